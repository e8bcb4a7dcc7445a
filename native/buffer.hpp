// SPDX-License-Identifier: Apache-2.0
// Memory of the kernels: aligned, zeroed, its size checked before it is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace serialprof {

// The product, or the largest std::int64_t where it would overflow. Factors are not negative.
inline std::int64_t product(std::initializer_list<std::int64_t> factors) {
  std::int64_t result = 1;
  for (const std::int64_t factor : factors) {
    if (__builtin_mul_overflow(result, factor, &result)) return std::numeric_limits<std::int64_t>::max();
  }
  return result;
}

// Adds sizes up before anything is allocated. Throws std::invalid_argument beyond 2^33 floats (32 GiB).
class FloatBudget {
 public:
  void add(std::initializer_list<std::int64_t> factors) {
    const std::int64_t floats = product(factors);
    if (floats > kMost || total_ + floats > kMost) {
      throw std::invalid_argument("this shape needs more than 2^33 floats (32 GiB): make it smaller");
    }
    total_ += floats;
  }

 private:
  static constexpr std::int64_t kMost = std::int64_t{1} << 33;
  std::int64_t total_ = 0;
};

// `size` zeroed values, aligned to a cache line and to the longest vector. Throws std::bad_alloc.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t size) : size_(size) {
    const std::size_t bytes = (static_cast<std::size_t>(size) * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    if (bytes == 0) return;
    data_.reset(static_cast<T*>(std::aligned_alloc(kAlignment, bytes)));
    if (data_ == nullptr) throw std::bad_alloc();
    std::memset(static_cast<void*>(data_.get()), 0, bytes);
  }

  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  std::int64_t size() const noexcept { return size_; }
  T& operator[](std::int64_t index) noexcept { return data_.get()[index]; }
  const T& operator[](std::int64_t index) const noexcept { return data_.get()[index]; }

 private:
  static constexpr std::size_t kAlignment = 64;
  struct Free {
    void operator()(T* pointer) const noexcept { std::free(pointer); }
  };
  std::unique_ptr<T, Free> data_;
  std::int64_t size_ = 0;
};

}  // namespace serialprof
