// SPDX-License-Identifier: Apache-2.0
// The logistic map in fixed point on many lanes: one step is 16 dependent iterations of
//
//   x <- 4 x (1 - x),  as  x <- floor(x (2^32 - 1 - x) / 2^30)  on integers below 2^32
//
// so that the chain is a complement, a multiply and a shift. Lanes lie in vectors.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "bind.hpp"
#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "random.hpp"

namespace serialprof {

namespace {

class Map {
 public:
  Map(std::shared_ptr<Team> members, std::int64_t width, std::uint64_t seed, bool wide)
      : team(std::move(members)), width_(in_range("width", width, 1, std::int64_t{1} << 40)), wide_(wide) {
    const std::int64_t copies = 1 + (wide ? team->size() : 1);
    require_memory("width", width, 8.0 * static_cast<double>(width + kGrain) * static_cast<double>(copies));
    const std::int64_t padded = (width + kGrain - 1) / kGrain * kGrain;
    start_ = Buffer<std::uint64_t>(padded);
    for (std::int64_t copy = 1; copy < copies; ++copy) lanes_.emplace_back(padded);
    Random random(seed);
    for (std::int64_t lane = 0; lane < width; ++lane) start_[lane] = random.bits() >> 32;
  }

  void begin() { stepped_ = false; }

  void step(std::int64_t index, Member& member) {
    if (wide_) {  // every step starts from the initial values: none waits for another
      if (index % member.size == member.rank) iterate(start_, lanes_[at(member.rank)], 0, width_);
    } else {
      std::int64_t first = 0;
      std::int64_t last = width_;
      if (member.size > 1) member.share(width_, kGrain, &first, &last);
      iterate(index == 0 ? start_ : lanes_[0], lanes_[0], first, last);
      if (member.size > 1) member.barrier();
    }
    if (member.rank == 0) stepped_ = true;
  }

  std::vector<std::uint64_t> values() const {
    const Buffer<std::uint64_t>& newest = stepped_ ? lanes_[0] : start_;
    return {newest.data(), newest.data() + width_};
  }

  std::shared_ptr<Team> team;

 private:
  static constexpr std::int64_t kGrain = kLineBytes / 8;  // lanes of a cache line, and of the longest vector

  static std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }

  // first is a multiple of kGrain.
  void iterate(const Buffer<std::uint64_t>& from, Buffer<std::uint64_t>& to, std::int64_t first,
               std::int64_t last) const noexcept {
    loops_.logistic(from.data() + first, to.data() + first, last - first);
  }

  const Loops& loops_ = loops();  // a step is short: it should not ask every time
  std::int64_t width_;
  bool wide_;
  bool stepped_ = false;
  Buffer<std::uint64_t> start_;
  std::vector<Buffer<std::uint64_t>> lanes_;  // serial form: one; wide form: one per thread
};

}  // namespace

void register_map(py::module_& module) {
  kernel_class<Map>(module, "Map", "The logistic map in fixed point on `width` lanes, 16 iterations per step.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::uint64_t, bool>(), py::arg("team").none(false),
           py::arg("width"), py::arg("seed") = 0, py::arg("wide") = false)
      .def("values", &Map::values, "The lanes after the last run (in the wide form after thread 0's last step).")
      .def_property_readonly_static("iterations", [](const py::object&) { return kMapIterations; });
}

}  // namespace serialprof
