// SPDX-License-Identifier: Apache-2.0
// The widest float vector of the instruction set that this copy is compiled for. Included by loops.cpp alone.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace serialprof {
namespace SERIALPROF_ISA {

#if defined(__AVX512F__)
constexpr int kFloats = 16;  // floats in a vector
constexpr int kRegisters = 32;
#elif defined(__AVX__)
constexpr int kFloats = 8;
constexpr int kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kFloats = 4;
constexpr int kRegisters = 32;
#else
constexpr int kFloats = 4;
constexpr int kRegisters = 16;
#endif

typedef float Vector __attribute__((vector_size(kFloats * 4)));
typedef int32_t Integers __attribute__((vector_size(kFloats * 4)));
typedef float Unaligned __attribute__((vector_size(kFloats * 4), aligned(4), may_alias));

static inline Vector load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
static inline void store(float* to, Vector value) { *reinterpret_cast<Unaligned*>(to) = value; }
static inline Vector broadcast(float value) { return value - Vector{}; }
static inline Vector larger(Vector a, Vector b) { return a > b ? a : b; }
static inline Vector smaller(Vector a, Vector b) { return a < b ? a : b; }

// What the compiler knows of a value in a vector's register ends here: it is made, and not made again.
template <typename T>
static inline void keep_vector(T& value) {
#if defined(__x86_64__)
  asm volatile("" : "+x"(value));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(value));
#else
  asm volatile("" : "+m"(value));
#endif
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
