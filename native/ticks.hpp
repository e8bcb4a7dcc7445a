// SPDX-License-Identifier: Apache-2.0
// The cheapest clock this machine has, in ticks. Ticks are compared with ticks only; seconds come from
// steady_seconds().
#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace serialprof {

inline std::int64_t read_ticks() noexcept {
#if defined(__x86_64__)
  return static_cast<std::int64_t>(__rdtsc());
#elif defined(__aarch64__)
  std::int64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
  return std::chrono::steady_clock::now().time_since_epoch().count();
#endif
}

inline double steady_seconds() noexcept {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Tells the core that this is a spin-wait loop, so that an SMT sibling gets the ports.
inline void spin_pause() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Hides a value from the optimiser: the chain that produces it is neither folded nor reordered. Costs no instruction.
template <typename T>
inline void keep_integer(T& value) noexcept {
  asm volatile("" : "+r"(value));
}

}  // namespace serialprof
