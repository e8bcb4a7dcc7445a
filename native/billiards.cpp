// SPDX-License-Identifier: Apache-2.0
// Billiards in fixed point: balls that do not touch each other in a square box, whose unit cells hold a diamond each
// (the wind-tree model: P. and T. Ehrenfest, 1912). One step is one time step of every ball: move, then reflect. All
// numbers are integers, so a run is exact, and can be run backwards to where it began, to the bit.
//
// The balls never wait for each other, so the threads divide them and there is no barrier.
// Wide form: every step makes the first step anew, into copies that a thread has for itself.
#include <pybind11/numpy.h>

#include <algorithm>
#include <vector>

#include "bind.hpp"
#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "random.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kBallGrain = 16;  // balls in the longest vector
constexpr std::int64_t kRows = 4;        // x, y, vx, vy
// So no ball is in a diamond and beyond a wall at once, nor leaves the box by more than one step.
constexpr std::int32_t kFastest = kTableCell / 16 - 1;
constexpr std::int32_t kLargestRadius = kTableCell / 2 - kTableCell / 16;

class Billiards {
 public:
  Billiards(std::shared_ptr<Team> members, std::int64_t width, std::uint64_t seed, std::int64_t cells,
            std::int64_t radius, bool wide);

  void begin();
  void step(std::int64_t index, Member& member);

  void turn();
  py::array_t<std::int32_t> state() const;
  std::uint64_t digest() const;

  std::shared_ptr<Team> team;

 private:
  struct Part {
    std::int64_t first, count;
  };

  const Buffer<std::int32_t>& newest() const { return moved_ ? states_[0] : start_; }
  void draw(std::uint64_t seed);

  std::int64_t width_;
  Table table_;
  bool wide_;
  bool moved_ = false;
  Buffer<std::int32_t> start_;                // [kRows, stride]
  std::vector<Buffer<std::int32_t>> states_;  // serial form: one; wide form: one per thread
  std::vector<Padded<Part>> parts_;
};

Billiards::Billiards(std::shared_ptr<Team> members, std::int64_t width, std::uint64_t seed, std::int64_t cells,
                     std::int64_t radius, bool wide)
    : team(std::move(members)), width_(in_range("width", width, 1, std::int64_t{1} << 40)), wide_(wide) {
  in_range("cells", cells, 1, 1 << 13);
  in_range("radius", radius, 0, kLargestRadius);
  table_ = {static_cast<std::int32_t>(cells * kTableCell), static_cast<std::int32_t>(radius),
            (width + kBallGrain - 1) / kBallGrain * kBallGrain};
  const std::int64_t copies = 1 + (wide ? team->size() : 1);
  require_memory("width", width, 4.0 * kRows * static_cast<double>(table_.stride) * static_cast<double>(copies));
  start_ = Buffer<std::int32_t>(kRows * table_.stride);
  for (std::int64_t copy = 1; copy < copies; ++copy) states_.emplace_back(kRows * table_.stride);
  draw(seed);
  for (int rank = 0; rank < team->size(); ++rank) {
    std::int64_t first, last;
    Member{rank, team->size(), nullptr}.share(width_, kBallGrain, &first, &last);
    parts_.push_back({Part{first, last - first}});
  }
}

// Anywhere in the box but in a diamond. What pads stays at rest in a corner.
void Billiards::draw(std::uint64_t seed) {
  Random random(seed);
  for (std::int64_t ball = 0; ball < width_; ++ball) {
    std::int32_t place[2];
    std::int32_t reach;
    do {
      reach = 0;
      for (std::int32_t& coordinate : place) {
        coordinate = static_cast<std::int32_t>(random.below(table_.side));
        reach += std::abs(coordinate % kTableCell - kTableCell / 2);
      }
    } while (reach < table_.radius);
    start_[ball] = place[0];
    start_[table_.stride + ball] = place[1];
    for (std::int64_t row = 2; row < kRows; ++row) {
      start_[row * table_.stride + ball] = static_cast<std::int32_t>(random.below(2 * kFastest + 1)) - kFastest;
    }
  }
}

void Billiards::begin() {
  moved_ = false;
  if (!wide_) std::copy_n(start_.data(), start_.size(), states_[0].data());
}

void Billiards::step(std::int64_t index, Member& member) {
  if (member.rank == 0) moved_ = true;
  if (wide_) {
    if (index % member.size != member.rank) return;
    std::int32_t* mine = states_[static_cast<std::size_t>(member.rank)].data();
    loops().billiards(table_, start_.data(), mine, 0, width_, true);
    return;
  }
  const Part& part = parts_[static_cast<std::size_t>(member.rank)].value;
  std::int32_t* state = states_[0].data();
  loops().billiards(table_, state, state, part.first, part.count, true);
}

// A step is move, reflect. Backwards it is reflect, move, with the velocity turned round: so a reflection now, and one
// after the run, make the same steps lead back.
void Billiards::turn() {
  const Turn mine(*team);
  if (moved_) std::copy_n(states_[0].data(), start_.size(), start_.data());
  for (std::int64_t at = 2 * table_.stride; at < kRows * table_.stride; ++at) start_[at] = -start_[at];
  loops().billiards(table_, start_.data(), start_.data(), 0, width_, false);
  begin();
}

py::array_t<std::int32_t> Billiards::state() const {
  py::array_t<std::int32_t> result({kRows, width_});
  for (std::int64_t row = 0; row < kRows; ++row) {
    std::copy_n(newest().data() + row * table_.stride, width_, result.mutable_data() + row * width_);
  }
  return result;
}

// FNV-1a (Fowler, Noll and Vo) over the 32-bit words of state(), row by row.
std::uint64_t Billiards::digest() const {
  std::uint64_t digest = 0xCBF29CE484222325u;
  for (std::int64_t row = 0; row < kRows; ++row) {
    for (std::int64_t ball = 0; ball < width_; ++ball) {
      digest = (digest ^ static_cast<std::uint32_t>(newest()[row * table_.stride + ball])) * 0x100000001B3u;
    }
  }
  return digest;
}

}  // namespace

void register_billiards(py::module_& module) {
  kernel_class<Billiards>(module, "Billiards", "Balls in a box with diamonds, in fixed point; a step moves every ball.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::uint64_t, std::int64_t, std::int64_t, bool>(),
           py::arg("team").none(false), py::arg("width"), py::arg("seed") = 0, py::arg("cells") = 64,
           py::arg("radius") = 24000, py::arg("wide") = false)
      .def("turn", &Billiards::turn)
      .def("state", &Billiards::state)
      .def("digest", &Billiards::digest);
}

}  // namespace serialprof
