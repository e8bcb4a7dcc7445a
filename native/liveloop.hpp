// SPDX-License-Identifier: Apache-2.0
// What is kept of one loop on one thread, in bounded memory however long it runs: exact spreads, sums over blocks of
// time that cover all of it, every so many steps one by one, the first and the slowest steps, all by place of region.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>

#include "livespread.hpp"

namespace serialprof::lanes {

constexpr int kMostPlaces = 64;  // of regions, per loop
constexpr int kBlocks = 256;
constexpr int kKept = 512;
constexpr int kSlowest = 64;
constexpr int kFirst = 64;
constexpr std::int64_t kMostBytes = std::int64_t{64} << 20;  // of all loops together

inline std::atomic<std::int64_t> bytes_used{0};

// Zeroed memory within the bound, nullptr beyond it. It is never given back, only used again: another thread may be
// reading it.
template <typename T>
T* bounded() noexcept {
  if (bytes_used.fetch_add(sizeof(T)) + static_cast<std::int64_t>(sizeof(T)) <= kMostBytes) {
    if (void* memory = std::calloc(1, sizeof(T))) return static_cast<T*>(memory);
  }
  bytes_used.fetch_sub(sizeof(T));
  return nullptr;
}

// A stretch of consecutive steps. Times in ticks; CPU times in nanoseconds, over `covered` ticks of wall time.
struct Block {
  std::int64_t steps, ticks, start, end, longest, covered, thread, process;

  void join(const Block& next) noexcept {
    steps += next.steps, ticks += next.ticks, end = next.end;
    if (next.longest > longest) longest = next.longest;
    covered += next.covered, thread += next.thread, process += next.process;
  }
};

// Where regions run: a name under the place that encloses it, -1 for the step itself.
struct Place {
  std::int32_t name, parent, child, sibling;
  std::int64_t calls, raised;                  // raised: left by an exception
  std::int64_t open, open_calls, open_raised;  // of the step that is under way
  std::int64_t total;                          // ticks
  std::int64_t blocks[kBlocks], kept[kKept], slowest[kSlowest];
  Spread spread;  // ticks per step in which it ran; outside steps, per call
};

struct Loop {
  std::int32_t name;
  std::int64_t seen, cut, left_out, total, stride;
  Spread spread;
  std::int64_t first[kFirst];
  Block blocks[kBlocks];
  std::int64_t kept_start[kKept], kept_ticks[kKept], slow_start[kSlowest], slow_ticks[kSlowest];
  std::int64_t block_ticks;
  std::int32_t closed, kept, slow, least;
  std::int32_t places, top, touches;
  std::int32_t touched[kMostPlaces];
  Place* place[kMostPlaces];
  Place* spare[kMostPlaces];  // of an earlier recording, to be used again

  void reset(std::int32_t called, std::int64_t block) noexcept;
  std::int32_t find(std::int32_t parent, std::int32_t called) const noexcept;
  std::int32_t grow(std::int32_t parent, std::int32_t called) noexcept;
  void touch(std::int32_t index, std::int64_t ticks, bool raised) noexcept;
  void forget_open() noexcept;
  bool add_step(std::int64_t start, std::int64_t end) noexcept;
  void add_outside() noexcept;
  void close_block() noexcept;

 private:
  void keep(std::int64_t start, std::int64_t ticks) noexcept;
  void keep_slow(std::int64_t start, std::int64_t ticks) noexcept;
};

}  // namespace serialprof::lanes
