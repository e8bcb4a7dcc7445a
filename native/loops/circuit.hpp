// SPDX-License-Identifier: Apache-2.0
// One layer of gates modulo the prime 2^31 - 1. Included by loops.cpp alone, once per instruction set.
//
// The wires lead anywhere. Layers of a few vectors lie in registers, where one instruction looks up a whole vector of
// wires. From wider ones values are loaded one by one, and it pays to leave it at that: put together in vectors, or
// gathered, they take as long or longer. So does a vector for a handful of gates, since its chain is longer.
#pragma once

#include "loops/bits.hpp"
#include "loops/dispatch.hpp"
#include "loops/modular.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

// Gates [first, last), all of one kind: out[i] = in[left[i]] op in[right[i]], less what stood in out[i] where the
// circuit is reversible.
template <bool kMultiply, bool kReversible>
static inline void gates_of_kind(const CircuitGates& gates, const uint32_t* in, uint32_t* __restrict out,
                                 ptrdiff_t first, ptrdiff_t last) {
  const uint32_t* const left = gates.left;
  const uint32_t* const right = gates.right;
#pragma GCC unroll 4
  for (ptrdiff_t gate = first; gate < last; ++gate) {
    const uint32_t a = in[left[gate]];
    const uint32_t b = in[right[gate]];
    uint32_t value = kMultiply ? multiply_modular(a, b) : add_modular(a, b);
    asm("" : "+r"(value));  // keeps the loop scalar
    out[gate] = kReversible ? subtract_modular(value, out[gate]) : value;
  }
}

template <bool kReversible>
static inline void gates_one_by_one(const CircuitGates& gates, const uint32_t* in, uint32_t* out) {
  gates_of_kind<false, kReversible>(gates, in, out, gates.first, gates.products);
  gates_of_kind<true, kReversible>(gates, in, out, gates.products, gates.last);
}

#if defined(__AVX2__) && !defined(__clang__)
constexpr int64_t kFewGates = 4;  // that are as fast one by one
constexpr int64_t kLookedUp = 4;  // vectors

typedef uint32_t Gates __attribute__((vector_size(kFloats * 4)));
typedef uint32_t GatesInPlace __attribute__((vector_size(kFloats * 4), may_alias));

static inline Gates load_gates(const uint32_t* from) { return *reinterpret_cast<const GatesInPlace*>(from); }

// The smaller of s and s - p, where that wraps round.
static inline Gates below_prime(Gates sum) {
  const Gates reduced = sum - kPrime;
  return reduced < sum ? reduced : sum;
}

template <int kVectors>
static inline Gates look_up(const Gates* values, Gates wires) {
  if constexpr (kVectors == 1) return __builtin_shuffle(values[0], wires);
  if constexpr (kVectors == 2) return __builtin_shuffle(values[0], values[1], wires);
  const Gates low = look_up<kVectors / 2>(values, wires);
  const Gates high = look_up<kVectors / 2>(values + kVectors / 2, wires);
  return (wires & (kVectors / 2 * kFloats)) == 0 ? low : high;
}

// A vector of gates, of a layer of kVectors vectors; a product takes two multiplications of every second lane.
template <int kVectors>
static inline Gates gates_looked_up(const Gates* values, Gates left, Gates right, Gates sums) {
  const Gates a = look_up<kVectors>(values, left);
  const Gates b = look_up<kVectors>(values, right);
  const Bits even = multiply_halves(reinterpret_cast<Bits>(a), reinterpret_cast<Bits>(b));
  const Bits odd = multiply_halves(
      reinterpret_cast<Bits>(look_up<kVectors>(values, reinterpret_cast<Gates>(reinterpret_cast<Bits>(left) >> 32))),
      reinterpret_cast<Bits>(look_up<kVectors>(values, reinterpret_cast<Gates>(reinterpret_cast<Bits>(right) >> 32))));
  const Gates low = reinterpret_cast<Gates>((even & kPrime) | (odd & kPrime) << 32);
  const Gates high = reinterpret_cast<Gates>(even >> 31 | (odd << 1 & ~uint64_t{0xFFFFFFFF}));  // 2^31 = 1 modulo p
  return below_prime(sums != 0 ? a + b : low + high);
}

template <int kVectors, bool kReversible>
static void layer_looked_up(const CircuitGates& gates, const uint32_t* in, uint32_t* out) {
  Gates values[kVectors], places;
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) values[v] = load_gates(in + v * kFloats);
  for (int lane = 0; lane < kFloats; ++lane) places[lane] = static_cast<uint32_t>(lane);
  for (int64_t gate = gates.first; gate < gates.last; gate += kFloats) {
    const Gates sums = (Gates)(places < static_cast<uint32_t>(gates.products < gate ? 0 : gates.products - gate));
    Gates found =
        gates_looked_up<kVectors>(values, load_gates(gates.left + gate), load_gates(gates.right + gate), sums);
    if (kReversible) found = below_prime(found + (kPrime - load_gates(out + gate)));
    *reinterpret_cast<GatesInPlace*>(out + gate) = found;
  }
}

template <bool kReversible>
static inline void layer(const CircuitGates& gates, const uint32_t* in, uint32_t* out) {
  if (gates.width <= kFewGates || gates.width > kLookedUp * kFloats)
    return gates_one_by_one<kReversible>(gates, in, out);
  if (gates.width <= kFloats) return layer_looked_up<1, kReversible>(gates, in, out);
  if (gates.width <= 2 * kFloats) return layer_looked_up<2, kReversible>(gates, in, out);
  layer_looked_up<4, kReversible>(gates, in, out);
}
#else
template <bool kReversible>
static inline void layer(const CircuitGates& gates, const uint32_t* in, uint32_t* out) {
  gates_one_by_one<kReversible>(gates, in, out);
}
#endif

static void circuit_gates(const CircuitGates& gates, const uint32_t* in, uint32_t* out, bool reversible) {
  if (reversible) return layer<true>(gates, in, out);
  layer<false>(gates, in, out);
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
