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
#include <vector>

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

// An argument that decides how much memory is needed.
struct Sized {
  const char* name;
  std::int64_t value;
};

// Throws std::invalid_argument, naming the arguments, where `bytes` exceed half of this machine's memory.
inline void require_memory(const std::vector<Sized>& arguments, double bytes) {
  if (bytes <= physical_memory() / 2) return;
  std::string named;
  for (const Sized& argument : arguments) {
    named += (named.empty() ? "" : ", ") + std::string(argument.name) + " = " + std::to_string(argument.value);
  }
  const bool alone = arguments.size() == 1;
  throw std::invalid_argument(named + (alone ? " needs " : " need ") +
                              std::to_string(static_cast<std::int64_t>(bytes / 1e6)) +
                              " MB, more than half of this machine's memory; choose " +
                              (alone ? std::string("a smaller ") + arguments[0].name : "less of one of them"));
}

inline void require_memory(const char* name, std::int64_t value, double bytes) {
  require_memory({{name, value}}, bytes);
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
