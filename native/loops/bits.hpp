// SPDX-License-Identifier: Apache-2.0
// Vectors of bits, a cell to a bit: any function of three bits, and rotation by one. Included by loops.cpp alone.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "loops/vector.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

constexpr int kBitWords = kFloats / 2;  // words of 64 bits in a vector

typedef uint64_t Bits __attribute__((vector_size(kBitWords * 8)));
typedef uint64_t BitsInPlace __attribute__((vector_size(kBitWords * 8), may_alias));

static inline Bits load_bits(const uint64_t* from, ptrdiff_t vector) {
  return reinterpret_cast<const BitsInPlace*>(from)[vector];
}
static inline void store_bits(uint64_t* to, ptrdiff_t vector, Bits value) {
  reinterpret_cast<BitsInPlace*>(to)[vector] = value;
}

// Words rotated by one place: word i comes from word i - 1 (up) or i + 1 (down).
template <bool kUp>
static inline Bits rotate_words(Bits v) {
#if defined(__clang__)
  Bits moved;
  for (int word = 0; word < kBitWords; ++word) moved[word] = v[(word + (kUp ? kBitWords - 1 : 1)) % kBitWords];
  return moved;
#else
  Bits from;
#pragma GCC unroll 8
  for (int word = 0; word < kBitWords; ++word) from[word] = (word + (kUp ? kBitWords - 1 : 1)) % kBitWords;
  return __builtin_shuffle(v, from);
#endif
}

// All bits of the vector as one ring, rotated by one: bit i comes from bit i - 1 (up) or i + 1 (down).
template <bool kUp>
static inline Bits rotate_bits(Bits v) {
  return kUp ? v << 1 | rotate_words<true>(v >> 63) : v >> 1 | rotate_words<false>(v << 63);
}

// ~a & b as the one instruction that it is: written out, the compiler turns ~(~a & b) into two.
static inline Bits and_not(Bits a, Bits b) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  return reinterpret_cast<Bits>(_mm256_andnot_si256(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__) && !defined(__AVX512F__)
  return reinterpret_cast<Bits>(_mm_andnot_si128(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return ~a & b;
#endif
}

// A function of two bits, as a truth table: f(a, b) is bit 2 a + b of the number.
template <int kTable>
static inline Bits two_bits(Bits a, Bits b) {
  switch (kTable) {
    case 1:
      return ~(a | b);
    case 2:
      return and_not(a, b);
    case 3:
      return ~a;
    case 4:
      return and_not(b, a);
    case 5:
      return ~b;
    case 6:
      return a ^ b;
    case 7:
      return ~(a & b);
    case 8:
      return a & b;
    case 9:
      return ~(a ^ b);
    case 10:
      return b;
    case 11:
      return ~and_not(b, a);
    case 12:
      return a;
    case 13:
      return ~and_not(a, b);
    case 14:
      return a | b;
    case 15:
      return ~Bits{};
    default:
      return Bits{};
  }
}

constexpr int two_bits_cost(int table) { return "0211111212012010"[table] - '0'; }

// f(x, y, z), bit 4 x + 2 y + z of its truth table, as seen from one variable: f = variable ? one : zero, both
// functions of the other two in their order.
struct Cofactors {
  int zero = 0;
  int one = 0;
};

constexpr Cofactors cofactors(int table, int variable) {
  const int weight = 4 >> variable;
  Cofactors found;
  for (int place = 0, rest = 0; place < 8; ++place) {
    if ((place & weight) != 0) continue;
    found.zero |= (table >> place & 1) << rest;
    found.one |= (table >> (place | weight) & 1) << rest;
    ++rest;
  }
  return found;
}

// x & f(a, b), where f may be the complement of something cheaper.
constexpr bool cheaper_inverted(int table) { return two_bits_cost(15 ^ table) < two_bits_cost(table); }

template <int kTable>
static inline Bits masked(Bits x, Bits a, Bits b) {
  if constexpr (cheaper_inverted(kTable)) return and_not(two_bits<15 ^ kTable>(a, b), x);
  return x & two_bits<kTable>(a, b);
}

constexpr int masked_cost(int table) { return 1 + two_bits_cost(cheaper_inverted(table) ? 15 ^ table : table); }

// Operations of expand() below.
constexpr int expansion_cost(Cofactors f) {
  if (f.zero == f.one) return two_bits_cost(f.zero);
  if ((f.zero ^ f.one) == 15) return 1 + two_bits_cost(f.zero);
  if (f.zero == 0) return masked_cost(f.one);
  if (f.one == 0 || f.one == 15) return 1 + two_bits_cost(f.zero);
  if (f.zero == 15) return masked_cost(15 ^ f.one) + 1;
  return 1 + two_bits_cost(f.zero) + masked_cost(f.zero ^ f.one);
}

// The variable that is cheapest to expand by.
constexpr int best_variable(int table) {
  int best = 0;
  for (int variable = 1; variable < 3; ++variable) {
    if (expansion_cost(cofactors(table, variable)) < expansion_cost(cofactors(table, best))) best = variable;
  }
  return best;
}

template <int kZero, int kOne>
static inline Bits expand(Bits x, Bits a, Bits b) {
  const Bits zero = two_bits<kZero>(a, b);
  if constexpr (kZero == kOne) return zero;
  if constexpr ((kZero ^ kOne) == 15) return x ^ zero;
  if constexpr (kZero == 0) return masked<kOne>(x, a, b);
  if constexpr (kOne == 0) return and_not(x, zero);
  if constexpr (kOne == 15) return x | zero;
  if constexpr (kZero == 15) return ~masked<15 ^ kOne>(x, a, b);
  return zero ^ masked<kZero ^ kOne>(x, a, b);
}

// The function of three bits whose truth table is kTable: f(x, y, z) is bit 4 x + 2 y + z. AVX-512 has it as one
// instruction with this very number; elsewhere it takes up to five operations of two bits.
template <int kTable>
static inline Bits three_bits(Bits x, Bits y, Bits z) {
#if defined(__AVX512F__)
  return reinterpret_cast<Bits>(_mm512_ternarylogic_epi64(reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(y),
                                                          reinterpret_cast<__m512i>(z), kTable));
#else
  constexpr int kVariable = best_variable(kTable);
  constexpr Cofactors kParts = cofactors(kTable, kVariable);
  if constexpr (kVariable == 0) return expand<kParts.zero, kParts.one>(x, y, z);
  if constexpr (kVariable == 1) return expand<kParts.zero, kParts.one>(y, x, z);
  return expand<kParts.zero, kParts.one>(z, x, y);
#endif
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
