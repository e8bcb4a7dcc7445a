// SPDX-License-Identifier: Apache-2.0
// Cache lines linked into one random cycle: what a pointer chase walks.
#pragma once

#include <cstdint>
#include <utility>

#include "memory.hpp"
#include "random.hpp"

namespace serialprof {

struct alignas(kLineBytes) Line {
  Line* next;
};

class Ring {
 public:
  Ring() = default;

  // A single cycle over `count` lines by Sattolo's algorithm (1986): an arbitrary permutation would fall into several
  // cycles, and a chase could stay in a short one.
  Ring(std::int64_t count, std::uint64_t seed) : count_(count), lines_(allocate<Line>(count)) {
    for (std::int64_t index = 0; index < count; ++index) lines_[at(index)].next = line(index);
    Random random(seed);
    for (std::int64_t index = count - 1; index > 0; --index) {
      const auto other = random.below(index);
      std::swap(lines_[at(index)].next, lines_[at(other)].next);
    }
  }

  std::int64_t count() const noexcept { return count_; }
  Line* line(std::int64_t index) const noexcept { return lines_.get() + index; }
  std::int64_t index_of(const Line* line) const noexcept { return line - lines_.get(); }

 private:
  static std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }

  std::int64_t count_ = 0;
  Memory<Line> lines_;
};

}  // namespace serialprof
