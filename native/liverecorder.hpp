// SPDX-License-Identifier: Apache-2.0
// Which lane a thread writes to, whether anything records, names, and what becomes of all of it in a forked child.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "livelane.hpp"

namespace serialprof::lanes {

constexpr int kMostLanes = 256;  // threads at a time
constexpr int kMostNames = 256;

struct Recorder {
  std::atomic<bool> active{false};
  std::atomic<std::uint64_t> generation{1};
  std::atomic<std::int64_t> block_ticks{0};
  std::atomic<std::int64_t> lost_threads{0};  // calls on threads for which there was no lane
  Lock guard;                                 // of what follows
  std::atomic<int> lanes{0};
  Lane* lane[kMostLanes] = {};
  std::vector<std::string> names{"next(loop)"};

  void start(std::int64_t block) noexcept;
  void stop() noexcept { active.store(false); }
  void after_fork() noexcept;
  // A number for a name, -1 where there are too many.
  std::int32_t name(const std::string& text);
};

extern Recorder& recorder;  // lives for ever: threads may end after everything else was taken down

Lane* find_lane() noexcept;
extern __thread Lane* own_lane;  // unlike thread_local, read without a call

// This thread's lane, nullptr where nothing records.
inline Lane* lane() noexcept {
  if (!recorder.active.load(std::memory_order_relaxed)) return nullptr;
  Lane* mine = own_lane;
  const std::uint64_t now = recorder.generation.load(std::memory_order_relaxed);
  if (mine != nullptr && mine->generation.load(std::memory_order_relaxed) == now) return mine;
  return find_lane();
}

}  // namespace serialprof::lanes
