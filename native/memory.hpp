// SPDX-License-Identifier: Apache-2.0
// Memory for kernels: asked for only after it was checked, aligned to cache lines.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace serialprof {

constexpr std::int64_t kLineBytes = 64;

struct FreeMemory {
  void operator()(void* memory) const noexcept { std::free(memory); }
};

template <typename T>
using Memory = std::unique_ptr<T[], FreeMemory>;

inline double physical_memory() noexcept {  // bytes
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Throws std::invalid_argument, naming the argument, where `bytes` exceed half of this machine's memory.
inline void require_memory(const char* name, std::int64_t value, double bytes) {
  if (bytes <= physical_memory() / 2) return;
  throw std::invalid_argument(std::string(name) + " = " + std::to_string(value) + " needs " +
                              std::to_string(static_cast<std::int64_t>(bytes / 1e6)) +
                              " MB, more than half of this machine's memory; choose a smaller " + name);
}

// `count` uninitialised elements, aligned to a cache line.
template <typename T>
Memory<T> allocate(std::int64_t count) {
  const std::int64_t bytes = (count * static_cast<std::int64_t>(sizeof(T)) + kLineBytes - 1) / kLineBytes * kLineBytes;
  void* memory = std::aligned_alloc(kLineBytes, static_cast<std::size_t>(bytes > 0 ? bytes : kLineBytes));
  if (memory == nullptr) throw std::bad_alloc();
  return Memory<T>(static_cast<T*>(memory));
}

// A value alone on two cache lines (adjacent-line prefetchers drag the neighbour along): one per thread.
template <typename T>
struct alignas(128) Padded {
  T value{};
};

}  // namespace serialprof
