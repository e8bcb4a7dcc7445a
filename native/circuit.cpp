// SPDX-License-Identifier: Apache-2.0
// An arithmetic circuit modulo the prime 2^31 - 1: one step is one layer of W gates, each the sum or the product of two
// gates of the layer before. Kinds and wires are drawn; the gates of a layer stand sorted by kind, which, the wires
// being random, is no loss: sums first.
//
// A reversible circuit subtracts from every gate what stood in its place two layers before (Fredkin's second-order
// construction): s[t + 1] = G(s[t]) - s[t - 1], so that the same gates lead back: s[t - 1] = G(s[t]) - s[t + 1].
#include <algorithm>
#include <array>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "bind.hpp"
#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "random.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kLayers = 8;  // different layers; step t takes layer t % kLayers
constexpr std::int64_t kPrime = (std::int64_t{1} << 31) - 1;
constexpr std::int64_t kGrain = kLineBytes / 4;  // gates of a cache line

std::int64_t tiled(std::int64_t width) { return (width + kCircuitTile - 1) / kCircuitTile * kCircuitTile; }

std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }

struct Layer {
  std::int64_t sums = 0;  // the first gates; the others are products
  Buffer<std::uint32_t> left, right;
};

class Circuit {
 public:
  Circuit(std::shared_ptr<Team> members, std::int64_t width, std::uint64_t seed, bool wide, bool reversible)
      : team(std::move(members)),
        width_(in_range("width", width, 1, std::int64_t{1} << 31)),
        wide_(wide),
        reversible_(reversible) {
    const std::int64_t rows = 2 + (wide ? team->size() : 2);
    require_memory("width", width,
                   4.0 * static_cast<double>(width + kCircuitTile) * static_cast<double>(rows + 2 * kLayers));
    for (std::int64_t row = 0; row < rows; ++row) rows_.emplace_back(tiled(width));
    Random random(seed);
    for (Layer& layer : layers_) draw(layer, random);
    for (int rank = 0; rank < team->size(); ++rank) parts_.push_back({part_of(rank)});
    for (std::int64_t row = 0; row < 2; ++row) {
      for (std::int64_t gate = 0; gate < width; ++gate) {
        rows_[at(row)][gate] = static_cast<std::uint32_t>(random.below(kPrime));
      }
    }
  }

  // The first step reads row 0 (and, if reversible, takes row 1 for the layer before); neither is overwritten.
  void begin() {
    generation_ = 0;
    if (!reversible_ || wide_) return;
    for (std::size_t row = 0; row < 2; ++row) {  // step 0 writes row 2, where row 1 is subtracted; step 1 writes row 3
      std::copy_n(rows_[1 - row].data(), width_, rows_[2 + row].data());
    }
  }

  void step(std::int64_t index, Member& member) {
    if (wide_) {  // every step is its layer on the inputs: none waits for another
      if (index % member.size == member.rank) {
        Buffer<std::uint32_t>& out = rows_[at(2 + member.rank)];
        if (reversible_) std::copy_n(rows_[1].data(), width_, out.data());
        evaluate(member, index, rows_[0], out);
      }
    } else {
      evaluate(member, index, newest(index), rows_[at(2 + (index & 1))]);
      if (member.size > 1) member.barrier();
    }
    if (member.rank == 0) generation_ = wide_ ? 1 : index + 1;
  }

  std::vector<std::uint32_t> values() const {
    const Buffer<std::uint32_t>& row = wide_ && generation_ > 0 ? rows_[2] : newest(generation_);
    return {row.data(), row.data() + width_};
  }

  std::vector<std::uint32_t> previous() const {
    const Buffer<std::uint32_t>& row = generation_ == 0 ? rows_[1] : newest(generation_ - 1);
    return {row.data(), row.data() + width_};
  }

  // The last two layers, swapped, become the start, and the layers are taken in reverse order: a run of as many steps
  // leads back.
  void turn_back() {
    const Turn turn(*team);
    require(reversible_ && !wide_, "turn_back: the circuit is not reversible, or in the wide form");
    const std::vector<std::uint32_t> now = values();
    const std::vector<std::uint32_t> before = previous();
    std::copy(before.begin(), before.end(), rows_[0].data());
    std::copy(now.begin(), now.end(), rows_[1].data());
    first_layer_ += direction_ * (generation_ - 1);
    direction_ = -direction_;
    generation_ = 0;
  }

  // Per layer: the number of sums, and the wires of all gates.
  std::vector<std::tuple<std::int64_t, std::vector<std::uint32_t>, std::vector<std::uint32_t>>> layers() const {
    std::vector<std::tuple<std::int64_t, std::vector<std::uint32_t>, std::vector<std::uint32_t>>> all;
    for (const Layer& layer : layers_) {
      all.emplace_back(layer.sums, std::vector<std::uint32_t>(layer.left.data(), layer.left.data() + width_),
                       std::vector<std::uint32_t>(layer.right.data(), layer.right.data() + width_));
    }
    return all;
  }

  std::shared_ptr<Team> team;

 private:
  using Part = std::array<CircuitGates, kLayers>;  // what a thread has of each layer

  void draw(Layer& layer, Random& random) {
    layer.left = Buffer<std::uint32_t>(tiled(width_));
    layer.right = Buffer<std::uint32_t>(tiled(width_));
    for (std::int64_t gate = 0; gate < width_; ++gate) {
      layer.sums += static_cast<std::int64_t>(random.bits() >> 63);
      layer.left[gate] = static_cast<std::uint32_t>(random.below(width_));
      layer.right[gate] = static_cast<std::uint32_t>(random.below(width_));
    }
  }

  // A wide step is one thread's alone.
  Part part_of(int rank) const noexcept {
    Part part;
    std::int64_t first = 0;
    std::int64_t last = width_;
    if (!wide_) Member{rank, team->size(), nullptr}.share(width_, kGrain, &first, &last);
    std::transform(std::begin(layers_), std::end(layers_), part.begin(), [&](const Layer& layer) {
      const std::int64_t products = std::clamp(layer.sums, first, last);
      return CircuitGates{layer.left.data(), layer.right.data(), first, products, last, width_};
    });
    return part;
  }

  // What step `index` reads.
  const Buffer<std::uint32_t>& newest(std::int64_t index) const noexcept {
    return rows_[index == 0 ? 0 : at(2 + ((index - 1) & 1))];
  }

  void evaluate(const Member& member, std::int64_t index, const Buffer<std::uint32_t>& in,
                Buffer<std::uint32_t>& out) const noexcept {
    const std::int64_t layer =
        (first_layer_ + direction_ * index) & (kLayers - 1);  // modulo a power of two, below 0 too
    loops_.circuit_gates(parts_[at(member.rank)].value[at(layer)], in.data(), out.data(), reversible_);
  }

  const Loops& loops_ = loops();  // a step is short: it should not ask every time
  std::int64_t width_;
  bool wide_;
  bool reversible_;
  Layer layers_[kLayers];
  std::vector<Padded<Part>> parts_;  // per thread
  std::int64_t first_layer_ = 0;
  std::int64_t direction_ = 1;
  std::vector<Buffer<std::uint32_t>> rows_;  // inputs, the layer before them; two that take turns, or one per thread
  std::int64_t generation_ = 0;
};

}  // namespace

void register_circuit(py::module_& module) {
  kernel_class<Circuit>(module, "Circuit", "Layers of `width` gates modulo 2^31 - 1, one layer per step.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::uint64_t, bool, bool>(), py::arg("team").none(false),
           py::arg("width"), py::arg("seed") = 0, py::arg("wide") = false, py::arg("reversible") = false)
      .def("values", &Circuit::values, "The gates of the last layer (in the wide form of thread 0's last step).")
      .def("previous", &Circuit::previous,
           "The layer before it; before the first, what a reversible circuit takes for it.")
      .def("turn_back", &Circuit::turn_back, "Makes the last two layers the start of the way back (reversible only).")
      .def("layers", &Circuit::layers, "Per layer: its number of sums, left and right wires of all gates, sums first.");
}

}  // namespace serialprof
