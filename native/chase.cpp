// SPDX-License-Identifier: Apache-2.0
// A pointer chase: one step is 16 dependent loads for each of `width` independent cursors, over lines in random order.
#include <cstdint>
#include <vector>

#include "bind.hpp"
#include "loops/lanes.hpp"
#include "memory.hpp"
#include "ring.hpp"
#include "ticks.hpp"

namespace serialprof {

namespace {

constexpr int kLoads = 16;  // per step and cursor: one load would drown in the loop around it when the ring fits L1

struct Follow {
  SERIALPROF_INLINE void operator()(Line*& cursor) const {
    cursor = cursor->next;
    keep_integer(cursor);
  }
};

class Chase {
 public:
  Chase(std::shared_ptr<Team> members, std::int64_t footprint_bytes, std::int64_t width, std::uint64_t seed, bool wide)
      : team(std::move(members)), wide_(wide), width_(width), seed_(seed) {
    in_range("footprint_bytes", footprint_bytes, kLoads * kLineBytes, std::int64_t{1} << 44);
    in_range("width", width, 1, footprint_bytes / kLineBytes);
    const std::int64_t copies = 1 + (wide ? team->size() : 1);
    require_memory("footprint_bytes", footprint_bytes,
                   static_cast<double>(footprint_bytes) + 8.0 * static_cast<double>(width * copies));
    // A multiple of the loads per step, so that whole steps close the cycle.
    ring_ = Ring(footprint_bytes / (kLoads * kLineBytes) * kLoads, seed);
    stride_ = (width + 15) / 16 * 16;
    cursors_ = allocate<Line*>(stride_ * copies);
    for (std::int64_t lane = 0; lane < width; ++lane) {
      cursors_[at(lane)] = ring_.line(lane * (ring_.count() / width));
    }
    for (std::int64_t lane = 0; lane < width_; ++lane) cursors_[at(stride_ + lane)] = cursors_[at(lane)];
  }

  // Unlike other kernels a chase goes on where the last run ended: a run that starts anew would walk the same short
  // stretch again and again and measure the cache that holds it, not the footprint.
  void begin() { ++runs_; }

  void step(std::int64_t index, Member& member) {
    if (wide_) {
      if (index % member.size == member.rank) independent_step(index, member.rank);
      return;
    }
    std::int64_t first;
    std::int64_t last;
    member.share(width_, 1, &first, &last);
    Line** const state = cursors_.get() + stride_;
    apply_lanes<kLoads>(state + first, state + first, last - first, Follow{});
    if (member.size > 1) member.barrier();
  }

  std::vector<std::int64_t> cursors() const {
    std::vector<std::int64_t> lines;
    for (std::int64_t lane = 0; lane < width_; ++lane) lines.push_back(ring_.index_of(cursors_[at(stride_ + lane)]));
    return lines;
  }

  std::int64_t lines() const { return ring_.count(); }

  std::shared_ptr<Team> team;

 private:
  static std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }

  // The same loads from lines that the numbers of run and step alone decide. Always the same start would stay in L1.
  void independent_step(std::int64_t index, int rank) {
    Line** const state = cursors_.get() + stride_ * (1 + rank);
    for (std::int64_t lane = 0; lane < width_; ++lane) {
      const std::uint64_t bits = mix(mix(seed_ + runs_) + static_cast<std::uint64_t>(index * width_ + lane + 1));
      state[lane] = ring_.line(Random::scale(bits, ring_.count()));
    }
    apply_lanes<kLoads>(state, state, width_, Follow{});
  }

  bool wide_;
  std::int64_t width_;
  std::uint64_t seed_;
  std::uint64_t runs_ = 0;
  Ring ring_;
  std::int64_t stride_ = 0;  // elements from one copy of the cursors to the next
  Memory<Line*> cursors_;    // copy 0 is the start; then the state, or in the wide form one scratch per thread
};

}  // namespace

void register_chase(py::module_& module) {
  kernel_class<Chase>(module, "Chase", "16 dependent loads per step for each of `width` cursors on one random cycle.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::uint64_t, bool>(),
           py::arg("team").none(false), py::arg("footprint_bytes"), py::arg("width"), py::arg("seed") = 0,
           py::arg("wide") = false)
      .def("cursors", &Chase::cursors, "The line that each cursor stands on after the last run.")
      .def_property_readonly("lines", &Chase::lines, "Lines in the cycle, a multiple of 16.");
}

}  // namespace serialprof
