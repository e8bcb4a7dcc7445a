// SPDX-License-Identifier: Apache-2.0
// One generation of the cellular automata, on strips that lie side by side in a vector (native/strips.hpp): a cell's
// neighbours are the same bit of the vectors before and behind, so nothing is shifted. Included by loops.cpp alone,
// once per instruction set.
#pragma once

#include "loops/bits.hpp"
#include "loops/dispatch.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

// The edge of a part; turn: rotated up (1) or down (-1).
static inline void store_edge(uint64_t* to, Bits edge, int turn) {
  store_bits(to, 0, turn > 0 ? rotate_bits<true>(edge) : turn < 0 ? rotate_bits<false>(edge) : edge);
}

// One generation of the elementary automaton of this Wolfram number. A window of old vectors moves along in registers,
// so that the new ones may take the place of the old.
template <int kRule>
static void elementary_part(const RingPart& part) {
  constexpr int kGroup = 4;
  const uint64_t* const in = part.in;
  uint64_t* const out = part.out;
  const ptrdiff_t vectors = part.vectors;
  Bits cells[kGroup + 2] = {load_bits(part.before, 0), load_bits(in, 0)};
  const Bits second = load_bits(vectors > 1 ? in + kBitWords : part.behind, 0);
  store_edge(part.first, three_bits<kRule>(cells[0], cells[1], second), part.starts_ring ? -1 : 0);
  ptrdiff_t index = 0;
  for (; index + kGroup < vectors; index += kGroup) {
#pragma GCC unroll 4
    for (int next = 0; next < kGroup; ++next) {
      cells[next + 2] = load_bits(in, index + next + 1);
      store_bits(out, index + next, three_bits<kRule>(cells[next], cells[next + 1], cells[next + 2]));
    }
    cells[0] = cells[kGroup];
    cells[1] = cells[kGroup + 1];
  }
  for (; index + 1 < vectors; ++index) {
    cells[2] = load_bits(in, index + 1);
    store_bits(out, index, three_bits<kRule>(cells[0], cells[1], cells[2]));
    cells[0] = cells[1];
    cells[1] = cells[2];
  }
  const Bits last = three_bits<kRule>(cells[0], cells[1], load_bits(part.behind, 0));
  store_bits(out, index, last);
  store_edge(part.last, last, part.ends_ring ? 1 : 0);
}

using Elementary = void (*)(const RingPart& part);

template <int... kRules>
struct RuleList {};

template <int kCount, int... kRules>
struct MakeRules : MakeRules<kCount - 1, kCount - 1, kRules...> {};
template <int... kRules>
struct MakeRules<0, kRules...> {
  using Type = RuleList<kRules...>;
};

struct ElementaryTable {
  Elementary rules[256];
};

template <int... kRules>
static constexpr ElementaryTable list_rules(RuleList<kRules...>) {
  return {{elementary_part<kRules>...}};
}

constexpr ElementaryTable kElementary = list_rules(MakeRules<256>::Type{});

// Copies vectors, each rotated by one bit: what lies at a strip's end comes beside the next strip's.
static void rotate_vectors(const uint64_t* from, uint64_t* to, int64_t vectors, bool up) {
  if (up) {
    for (ptrdiff_t index = 0; index < vectors; ++index)
      store_bits(to, index, rotate_bits<true>(load_bits(from, index)));
  } else {
    for (ptrdiff_t index = 0; index < vectors; ++index) {
      store_bits(to, index, rotate_bits<false>(load_bits(from, index)));
    }
  }
}

// Sum of three bits: `ones` weighs one, `twos` two.
struct Sum {
  Bits ones;
  Bits twos;
};

static inline Sum add_bits(Bits a, Bits b, Bits c) { return {three_bits<0x96>(a, b, c), three_bits<0xE8>(a, b, c)}; }

static inline Sum add_beside(const uint64_t* left, const uint64_t* here, const uint64_t* right, ptrdiff_t row) {
  return add_bits(load_bits(left, row), load_bits(here, row), load_bits(right, row));
}

// Conway's life on one column of vectors: vector r holds cells of row r, `left` and `right` are the columns beside it.
// The nine cells of a block are added bit-sliced: first three beside each other, which the rows above and below use
// again, then three such sums. A cell is alive next if the block holds three, or four with itself.
static void life_column(const uint64_t* left, const uint64_t* here, const uint64_t* right, uint64_t* __restrict out,
                        int64_t rows) {
  Sum above = add_beside(left, here, right, -1);
  Sum beside = add_beside(left, here, right, 0);
#pragma GCC unroll 4
  for (ptrdiff_t row = 0; row < rows; ++row) {
    const Sum below = add_beside(left, here, right, row + 1);
    const Sum ones = add_bits(above.ones, beside.ones, below.ones);  // count = ones.ones + 2 (ones.twos + twos.ones)
    const Sum twos = add_bits(above.twos, beside.twos, below.twos);  //         + 4 twos.twos
    const Bits cell = load_bits(here, row);
    // The twos are two (three cells) if one of ones.twos and twos.ones is set and twos.twos is not; they are four if
    // both are set or twos.twos is, not all three.
    const Bits either = ones.twos ^ twos.ones;
    const Bits three = and_not(twos.twos, either & ones.ones);
    const Bits four = (twos.twos ^ ones.twos) & and_not(either | ones.ones, cell);
    store_bits(out, row, three | four);
    above = beside;
    beside = below;
  }
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
