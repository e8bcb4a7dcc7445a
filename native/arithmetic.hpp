// SPDX-License-Identifier: Apache-2.0
// Single operations that stay what they are: written in assembly where we know the instruction, so that a chain of them
// is neither folded, reordered nor vectorised.
#pragma once

#include <cstdint>

#include "ticks.hpp"

namespace serialprof {

// value += operand, register to register: newer cores fold an add of a constant into register renaming (0 cycles).
inline void add_once(std::uint64_t& value, std::uint64_t operand) noexcept {
#if defined(__x86_64__)
  asm volatile("addq %1, %0" : "+r"(value) : "r"(operand) : "cc");
#elif defined(__aarch64__)
  asm volatile("add %0, %0, %1" : "+r"(value) : "r"(operand));
#else
  value += operand;
  keep_integer(value);
#endif
}

// value *= operand modulo 2^64.
inline void multiply_once(std::uint64_t& value, std::uint64_t operand) noexcept {
#if defined(__x86_64__)
  asm volatile("imulq %1, %0" : "+r"(value) : "r"(operand) : "cc");
#elif defined(__aarch64__)
  asm volatile("mul %0, %0, %1" : "+r"(value) : "r"(operand));
#else
  value *= operand;
  keep_integer(value);
#endif
}

// Hides a double from the optimiser, as keep_integer does an integer.
inline void keep_double(double& value) noexcept {
#if defined(__x86_64__)
  asm volatile("" : "+x"(value));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(value));
#else
  asm volatile("" : "+m"(value));
#endif
}

// value * operand^count, one dependent multiply after the other. The loop's own instructions hang on the counter alone,
// so an out-of-order core runs them ahead, beside the chain.
inline std::uint64_t multiply_chain(std::uint64_t value, std::uint64_t operand, std::int64_t count) noexcept {
  std::int64_t done = 0;
  for (; done + 16 <= count; done += 16) {
#pragma GCC unroll 16
    for (int unrolled = 0; unrolled < 16; ++unrolled) multiply_once(value, operand);
  }
  for (; done < count; ++done) multiply_once(value, operand);
  return value;
}

// value + operand * count. At one cycle per link the loop's own instructions compete for the same units: long
// unrolling.
inline std::uint64_t add_chain(std::uint64_t value, std::uint64_t operand, std::int64_t count) noexcept {
  std::int64_t done = 0;
  for (; done + 256 <= count; done += 256) {
#pragma GCC unroll 256
    for (int unrolled = 0; unrolled < 256; ++unrolled) add_once(value, operand);
  }
  for (; done < count; ++done) add_once(value, operand);
  return value;
}

}  // namespace serialprof
