// SPDX-License-Identifier: Apache-2.0
// Integers exactly: facts modulo the prime 2^31 - 1, and the logistic map in fixed point. Included by loops.cpp alone,
// once per instruction set.
#pragma once

#include "loops/bits.hpp"
#include "loops/dispatch.hpp"
#include "loops/lanes.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

constexpr uint32_t kPrime = 0x7FFFFFFFu;

// Values below the prime, also the results. The smaller of s and s - p, where that wraps round, is s modulo p.
static inline uint32_t below_prime(uint32_t sum) {
  const uint32_t reduced = sum - kPrime;
  return reduced < sum ? reduced : sum;
}
static inline uint32_t add_modular(uint32_t a, uint32_t b) { return below_prime(a + b); }
static inline uint32_t subtract_modular(uint32_t a, uint32_t b) { return below_prime(a + (kPrime - b)); }
static inline uint32_t multiply_modular(uint32_t a, uint32_t b) {  // 2^31 = 1 modulo p
  const uint64_t product = static_cast<uint64_t>(a) * b;
  return below_prime(static_cast<uint32_t>(product & kPrime) + static_cast<uint32_t>(product >> 31));
}

static void facts(int32_t operation, const uint32_t* a, const uint32_t* b, uint32_t* __restrict out, int64_t lanes) {
  switch (operation) {
    case kAddFacts:
      for (ptrdiff_t lane = 0; lane < lanes; ++lane) out[lane] = add_modular(a[lane], b[lane]);
      return;
    case kSubtractFacts:
      for (ptrdiff_t lane = 0; lane < lanes; ++lane) out[lane] = subtract_modular(a[lane], b[lane]);
      return;
    default:
      for (ptrdiff_t lane = 0; lane < lanes; ++lane) out[lane] = multiply_modular(a[lane], b[lane]);
  }
}

// The products of the lower halves of 64-bit lanes.
static inline Bits multiply_halves(Bits a, Bits b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Bits>(_mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Bits>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<Bits>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

namespace {

// x <- 4 x (1 - x) on fractions of 32 bits, in lanes of 64: 1 - x is x with its bits turned round.
struct Logistic {
  SERIALPROF_INLINE void operator()(Bits& x) const { x = multiply_halves(x, x ^ 0xFFFFFFFFu) >> 30; }
  SERIALPROF_INLINE void operator()(uint64_t& x) const {
    x = x * (x ^ 0xFFFFFFFFu) >> 30;
    asm("" : "+r"(x));  // keeps lanes out of vectors
  }
};

}  // namespace

// Few lanes go one by one: a vector's multiply takes longer than a scalar one, and the lanes beside them are idle.
constexpr int64_t kFewLanes = 4;

static void logistic(const uint64_t* from, uint64_t* to, int64_t lanes) {
  if (lanes <= kFewLanes) return apply_lanes<kMapIterations, kFewLanes>(from, to, lanes, Logistic{});
  const int64_t vectors = (lanes + kBitWords - 1) / kBitWords;
  apply_lanes<kMapIterations, kRegisters / 2>(reinterpret_cast<const BitsInPlace*>(from),
                                              reinterpret_cast<BitsInPlace*>(to), vectors, Logistic{});
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
