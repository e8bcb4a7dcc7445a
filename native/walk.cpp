// SPDX-License-Identifier: Apache-2.0
// A limit of the machine: what one dependent load takes, at a footprint, while every thread of a team chases at once.
//
// Unlike the kernel Chase there are no steps and no barriers between the loads, and every thread has a cycle of its
// own: threads on one cycle would find in a shared cache what another has just loaded.
#include <cstdint>
#include <vector>

#include "bind.hpp"
#include "memory.hpp"
#include "ring.hpp"
#include "ticks.hpp"

namespace serialprof {

namespace {

constexpr int kUnrolled = 16;

inline void follow(Line*& cursor) noexcept {
  cursor = cursor->next;
  keep_integer(cursor);
}

class Walk {
 public:
  Walk(std::shared_ptr<Team> members, std::int64_t footprint_bytes, std::uint64_t seed)
      : team_(std::move(members)), seed_(seed) {
    in_range("footprint_bytes", footprint_bytes, kUnrolled * kLineBytes * team_->size(), std::int64_t{1} << 44);
    require_memory("footprint_bytes", footprint_bytes, static_cast<double>(footprint_bytes));
    lines_ = footprint_bytes / kLineBytes / team_->size();
    places_ = std::make_unique<Place[]>(static_cast<std::size_t>(team_->size()));
    {
      py::gil_scoped_release release;
      team_->run(&Walk::build, this);
    }
    for (int rank = 0; rank < team_->size(); ++rank) {
      if (place(rank).failed) throw std::bad_alloc();
    }
  }

  // Seconds in which each thread follows `loads` pointers, the mean over the threads; goes on where it last ended.
  double seconds(std::int64_t loads) {
    in_range("loads", loads, 1, std::int64_t{1} << 40);
    const Turn turn(*team_);
    loads_ = loads;
    {
      py::gil_scoped_release release;
      team_->run(&Walk::chase, this);
    }
    double total = 0.0;
    for (int rank = 0; rank < team_->size(); ++rank) total += place(rank).seconds;
    return total / team_->size();
  }

  std::vector<std::int64_t> cursors() const {
    std::vector<std::int64_t> lines;
    for (int rank = 0; rank < team_->size(); ++rank) lines.push_back(place(rank).ring.index_of(place(rank).cursor));
    return lines;
  }

  std::int64_t lines() const { return lines_; }

 private:
  struct alignas(128) Place {
    Ring ring;
    Line* cursor = nullptr;
    double seconds = 0.0;
    bool failed = false;
  };

  Place& place(int rank) const { return places_[static_cast<std::size_t>(rank)]; }

  // Each thread links its own cycle: the pages then lie on its own memory node.
  static void build(void* context, Member& member) {
    const Walk& walk = *static_cast<Walk*>(context);
    Place& mine = walk.place(member.rank);
    try {
      mine.ring = Ring(walk.lines_, walk.seed_ + static_cast<std::uint64_t>(member.rank));
      mine.cursor = mine.ring.line(0);
    } catch (const std::bad_alloc&) {  // must not leave a thread of its own
      mine.failed = true;
    }
  }

  static void chase(void* context, Member& member) {
    const Walk& walk = *static_cast<Walk*>(context);
    Place& mine = walk.place(member.rank);
    Line* cursor = mine.cursor;
    const std::int64_t loads = walk.loads_;
    std::int64_t done = 0;
    member.barrier();
    const double start = steady_seconds();
    for (; done + kUnrolled <= loads; done += kUnrolled) {
#pragma GCC unroll 16
      for (int unrolled = 0; unrolled < kUnrolled; ++unrolled) follow(cursor);
    }
    for (; done < loads; ++done) follow(cursor);
    mine.seconds = steady_seconds() - start;
    mine.cursor = cursor;
  }

  std::shared_ptr<Team> team_;
  std::uint64_t seed_;
  std::int64_t lines_ = 0;  // of one thread's cycle
  std::int64_t loads_ = 0;
  std::unique_ptr<Place[]> places_;
};

}  // namespace

void register_walk(py::module_& module) {
  py::class_<Walk>(module, "Walk", "Every thread chases on a random cycle of its own over its share of a footprint.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::uint64_t>(), py::arg("team").none(false),
           py::arg("footprint_bytes"), py::arg("seed") = 0)
      .def("seconds", &Walk::seconds, py::arg("loads"),
           "Seconds in which each thread follows `loads` pointers, the mean over the threads.")
      .def("cursors", &Walk::cursors, "The line that each thread stands on, counted from the start of its share.")
      .def_property_readonly("lines", &Walk::lines, "Lines in the cycle of each thread.");
}

}  // namespace serialprof
