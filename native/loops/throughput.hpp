// SPDX-License-Identifier: Apache-2.0
// Loops of the chain kernel's FMA and of the machine's limits. Included by loops.cpp alone, once per instruction set.
#pragma once

#include "loops/lanes.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

#if defined(__FMA__) || defined(__aarch64__)
constexpr bool kFused = true;
#else
constexpr bool kFused = false;
#endif

struct FusedMultiplyAdd {
  double factor;
  double term;
  SERIALPROF_INLINE void operator()(double& value) const {
    value = value * factor + term;  // contracted to one instruction where there is one
#if defined(__x86_64__)
    asm volatile("" : "+x"(value));
#elif defined(__aarch64__)
    asm volatile("" : "+w"(value));
#endif
  }
};

void fma_lanes(const double* from, double* to, std::int64_t count, double factor, double term) {
  apply_lanes<kChainOps>(from, to, count, FusedMultiplyAdd{factor, term});
}

// x <- factor x + term swings about 1.5 and neither grows nor vanishes.
double fma_chain(double value, std::int64_t count) {
  const FusedMultiplyAdd operation{-1.0 + 1.0 / 65536.0, 3.0};
  std::int64_t done = 0;
  for (; done + 16 <= count; done += 16) {
#pragma GCC unroll 16
    for (int unrolled = 0; unrolled < 16; ++unrolled) operation(value);
  }
  for (; done < count; ++done) operation(value);
  return value;
}

using Words __attribute__((vector_size(kVectorBytes), aligned(kVectorBytes))) = std::uint64_t;

// Eight accumulators: 8 loads in flight hide the latency of the add, and of the loads in a near cache.
std::uint64_t sum_words(const std::uint64_t* words, std::int64_t count) {
  constexpr std::int64_t kPerVector = kVectorBytes / 8;
  constexpr std::int64_t kBlock = 8 * kPerVector;
  Words a{}, b{}, c{}, d{}, e{}, f{}, g{}, h{};
  std::int64_t index = 0;
  for (; index + kBlock <= count; index += kBlock) {
    const Words* block = reinterpret_cast<const Words*>(words + index);
    a += block[0];
    b += block[1];
    c += block[2];
    d += block[3];
    e += block[4];
    f += block[5];
    g += block[6];
    h += block[7];
  }
  const Words total = ((a + b) + (c + d)) + ((e + f) + (g + h));
  std::uint64_t sum = 0;
  for (int lane = 0; lane < kPerVector; ++lane) sum += total[lane];
  for (; index < count; ++index) sum += words[index];
  return sum;
}

constexpr int kAccumulators = 12;  // latency 4 x 2 pipes is the widest in use; 16 registers must hold them all

template <typename Vector>
SERIALPROF_INLINE void keep_vector(Vector& vector) {
#if defined(__x86_64__)
  asm volatile("" : "+x"(vector));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(vector));
#else
  asm volatile("" : "+m"(vector));
#endif
}

// `rounds` times one operation on each of twelve independent vectors.
template <typename Vector, typename Operation>
SERIALPROF_INLINE void apply_rounds(const Operation& operation, std::int64_t rounds) {
  Vector zeros[kAccumulators] = {};
  LaneGroup<Vector, kAccumulators> accumulators;
  accumulators.load(zeros);
  for (std::int64_t round = 0; round < rounds; ++round) accumulators.apply(operation);
}

struct WordXor {
  Words operand;
  SERIALPROF_INLINE void operator()(Words& vector) const {
    vector ^= operand;
    keep_vector(vector);
  }
};

double word_ops_per_round() { return kAccumulators * (kVectorBytes / 8.0); }

void word_rounds(std::int64_t rounds) {
  WordXor operation{Words{} + 0x5555555555555555u};
  keep_vector(operation.operand);
  apply_rounds<Words>(operation, rounds);
}

using Floats __attribute__((vector_size(kVectorBytes), aligned(kVectorBytes))) = float;

double fma_flops_per_round() { return 2.0 * kAccumulators * (kVectorBytes / 4); }

struct FloatFma {
  Floats factor;
  Floats term;
  SERIALPROF_INLINE void operator()(Floats& vector) const {
    vector = vector * factor + term;
    keep_vector(vector);
  }
};

void fma_rounds(std::int64_t rounds) {
  FloatFma operation{Floats{} + 0.5f, Floats{} + 1.0f};
  keep_vector(operation.factor);
  keep_vector(operation.term);
  apply_rounds<Floats>(operation, rounds);
}

}  // namespace
}  // namespace SERIALPROF_ISA
}  // namespace serialprof
