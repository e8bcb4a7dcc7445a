// SPDX-License-Identifier: Apache-2.0
// Memory of the kernels: aligned, zeroed, its size checked before it is asked for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

#include "memory.hpp"

namespace serialprof {

// The product, or the largest std::int64_t where it would overflow. Factors are not negative.
inline std::int64_t product(std::initializer_list<std::int64_t> factors) {
  std::int64_t result = 1;
  for (const std::int64_t factor : factors) {
    if (__builtin_mul_overflow(result, factor, &result)) return std::numeric_limits<std::int64_t>::max();
  }
  return result;
}

// Adds sizes up before anything is allocated; add() throws std::invalid_argument, naming the arguments that decide
// them, where they exceed half of this machine's memory.
class FloatBudget {
 public:
  explicit FloatBudget(std::vector<Sized> arguments) : arguments_(std::move(arguments)) {}

  void add(std::initializer_list<std::int64_t> factors) {
    bytes_ += 4.0 * static_cast<double>(product(factors));
    require_memory(arguments_, bytes_);
  }

 private:
  std::vector<Sized> arguments_;
  double bytes_ = 0.0;
};

// `size` zeroed values, aligned to a cache line and to the longest vector. Throws std::bad_alloc.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t size) : data_(allocate<T>(size)), size_(size) { std::fill_n(data_.get(), size, T{}); }

  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  std::int64_t size() const noexcept { return size_; }
  T& operator[](std::int64_t index) noexcept { return data_.get()[index]; }
  const T& operator[](std::int64_t index) const noexcept { return data_.get()[index]; }

 private:
  Memory<T> data_;
  std::int64_t size_ = 0;
};

}  // namespace serialprof
