// SPDX-License-Identifier: Apache-2.0
// Integers exactly: gates and facts modulo the prime 2^31 - 1, and the logistic map in fixed point. Included by
// loops.cpp alone, once per instruction set.
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

// Gates [first, last), all of one kind: out[i] = in[left[i]] op in[right[i]], less what stood in out[i] where the
// circuit is reversible. The wires lead anywhere, so values are loaded one by one, and it pays to leave it at that: put
// together in vectors, or gathered, they take as long or longer.
template <bool kMultiply, bool kReversible>
static inline void gates_of_kind(const CircuitGates& gates, ptrdiff_t first, ptrdiff_t last) {
  const uint32_t* const in = gates.in;
  const uint32_t* const left = gates.left;
  const uint32_t* const right = gates.right;
  uint32_t* __restrict const out = gates.out;
#pragma GCC unroll 1
  for (ptrdiff_t gate = first; gate < last; ++gate) {
    const uint32_t a = in[left[gate]];
    const uint32_t b = in[right[gate]];
    uint32_t value = kMultiply ? multiply_modular(a, b) : add_modular(a, b);
    asm("" : "+r"(value));  // keeps the loop scalar
    out[gate] = kReversible ? subtract_modular(value, out[gate]) : value;
  }
}

static void circuit_gates(const CircuitGates& gates, bool reversible) {
  if (reversible) {
    gates_of_kind<false, true>(gates, gates.first, gates.products);
    gates_of_kind<true, true>(gates, gates.products, gates.last);
  } else {
    gates_of_kind<false, false>(gates, gates.first, gates.products);
    gates_of_kind<true, false>(gates, gates.products, gates.last);
  }
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
};

}  // namespace

static void logistic(const uint64_t* from, uint64_t* to, int64_t vectors) {
  apply_lanes<kMapIterations>(reinterpret_cast<const BitsInPlace*>(from), reinterpret_cast<BitsInPlace*>(to), vectors,
                              Logistic{});
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
