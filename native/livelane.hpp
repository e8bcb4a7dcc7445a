// SPDX-License-Identifier: Apache-2.0
// A lane: what one thread is in the midst of (its loops and regions, as a stack), and what it has recorded.
//
// Only the thread itself works on a lane. What another thread reads, it reads under the lane's lock, which the thread
// itself takes once per step.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>

#include "liveloop.hpp"

namespace serialprof::lanes {

constexpr int kMostLoops = 16;  // names of loops, per lane
constexpr int kMostDepth = 64;
constexpr int kMostOrphans = 16;
constexpr std::int32_t kNext = 0;  // the name of what a loop's own iterator does
constexpr std::int32_t kRefused = -2;

class Lock {
 public:
  void lock() noexcept {
    while (held_.exchange(true, std::memory_order_acquire)) sched_yield();  // whoever has it may need this core
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

// What was not recorded, and why.
struct Losses {
  std::int64_t left_open;    // entered, and not left before what encloses them was
  std::int64_t not_entered;  // left, and not entered on this thread in this recording
  std::int64_t crossed;      // loops that went on on another thread, or among another's steps
  std::int64_t nested;       // loops inside a step of the same name
  std::int64_t refused;      // more loops, places or memory than the bounds allow
  std::int64_t deep;         // nested too deeply
};

struct Frame {
  std::uint64_t run;  // 0 for a region
  Loop* loop;         // a region's: the loop whose step it is part of; a loop's own, nullptr where it is not recorded
  Loop* outer;        // a loop's: the one whose step encloses it
  std::int32_t name, place;
  std::int64_t start, began;
  std::int64_t wall, thread, process;  // a loop's: when the CPU clocks were last read, -1 where they were not
};

class Lane {
 public:
  void reset(std::uint64_t recording, std::int64_t block_ticks, bool cpu_clocks) noexcept;

  void adopt() noexcept;

  void enter(std::int32_t name, std::int64_t now) noexcept;
  void leave(std::int32_t name, std::int64_t now, bool raised) noexcept;
  // A number for this run of the loop, 0 where it lies too deep.
  std::uint64_t begin(std::int32_t name, std::int64_t now) noexcept;
  // Ends a step and begins the next; false where the loop is no longer among what the thread is in the midst of.
  bool step(std::uint64_t run, std::int64_t now) noexcept;
  // The step begins now: what was done since the last one ended was our own.
  void restart(std::int64_t now) noexcept;
  // `cut`: in the midst of a step.
  void end(std::uint64_t run, std::int64_t now, bool cut) noexcept;
  // From another thread: this run will not go on.
  void orphan(std::uint64_t run) noexcept;

  Lock guard;
  std::atomic<bool> taken{false};
  std::atomic<std::uint64_t> generation{0};
  std::int64_t chore = 0;
  bool sampled = false;  // whether the step under way is one whose device events are taken
  Losses losses{};
  std::int32_t loops = 0;
  Loop* loop[kMostLoops] = {};
  Loop* outside = nullptr;

 private:
  std::int32_t placed(Loop* into, std::int32_t parent, std::int32_t name) noexcept;
  Loop* recorded(std::int32_t name) noexcept;
  Loop* renewed(Loop*& slot, std::int32_t name) noexcept;
  int position(std::uint64_t run) const noexcept;
  void unwind(int to) noexcept;
  void mend(std::int32_t name) noexcept;
  void begin_cpu(Frame& frame, std::int64_t now) noexcept;
  void read_cpu(Frame& frame, std::int64_t now, Block* into) noexcept;
  void bury() noexcept;

  Frame stack_[kMostDepth];
  int depth_ = 0, beyond_ = 0;
  bool spoilt_ = false, cpu_clocks_ = true;
  std::int64_t block_ticks_ = 0;
  std::int64_t cpu_read_ = 0;  // when the CPU clocks were last read, in any loop
  std::uint64_t runs_ = 0;
  std::atomic<int> orphans_{0};
  std::uint64_t orphaned_[kMostOrphans];
};

}  // namespace serialprof::lanes
