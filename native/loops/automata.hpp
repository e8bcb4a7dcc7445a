// SPDX-License-Identifier: Apache-2.0
// One generation of the cellular automata, 64 cells at a time. Included by loops.cpp alone, once per instruction set;
// plain loops over words, which the compiler turns into that set's vectors.
#pragma once

#include <cstdint>

namespace serialprof {
namespace SERIALPROF_ISA {
namespace {

using Word = std::uint64_t;

// Each cell's neighbour at the next lower and next higher bit, which across a word's end is a bit of the next word.
inline __attribute__((always_inline)) Word lower_neighbours(Word before, Word word) { return word << 1 | before >> 63; }
inline __attribute__((always_inline)) Word upper_neighbours(Word word, Word after) { return word >> 1 | after << 63; }

// Rule 110 (Wolfram's numbering): a cell becomes 1 unless it and its right neighbour are both 0, or all three are 1.
// Cell i is bit i mod 64 of word i / 64, its left neighbour cell i - 1. 10 operations per word, the longest chain 5.
void rule110_words(const Word* in, Word* __restrict out, std::int64_t words) {
  for (std::int64_t index = 0; index < words; ++index) {
    const Word centre = in[index];
    const Word left = lower_neighbours(in[index - 1], centre);
    const Word right = upper_neighbours(centre, in[index + 1]);
    out[index] = (centre | right) & ~(left & centre & right);
  }
}

// Conway's life on one column of words: word r holds 64 cells of row r, `left` and `right` are the columns beside it.
// The eight neighbours are added bit-sliced, by carry-save adders: ones, then four bits that weigh two. A cell lives on
// if exactly one of the four is set (2 or 3 neighbours) and the sum is odd or it lives now. 44 operations per word,
// the longest chain 11.
void life_column(const Word* left, const Word* here, const Word* right, Word* __restrict out, std::int64_t rows) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const Word above = here[row - 1];
    const Word above_left = lower_neighbours(left[row - 1], above);
    const Word above_right = upper_neighbours(above, right[row - 1]);
    const Word above_half = above_left ^ above_right;
    const Word above_ones = above_half ^ above;
    const Word above_twos = (above_left & above_right) | (above_half & above);

    const Word below = here[row + 1];
    const Word below_left = lower_neighbours(left[row + 1], below);
    const Word below_right = upper_neighbours(below, right[row + 1]);
    const Word below_half = below_left ^ below_right;
    const Word below_ones = below_half ^ below;
    const Word below_twos = (below_left & below_right) | (below_half & below);

    const Word cell = here[row];
    const Word beside_left = lower_neighbours(left[row], cell);
    const Word beside_right = upper_neighbours(cell, right[row]);
    const Word beside_ones = beside_left ^ beside_right;
    const Word beside_twos = beside_left & beside_right;

    const Word half = above_ones ^ below_ones;
    const Word ones = half ^ beside_ones;
    const Word carry = (above_ones & below_ones) | (half & beside_ones);

    const Word odd = above_twos ^ below_twos ^ beside_twos ^ carry;
    const Word pairs = (above_twos & below_twos) | (beside_twos & carry);
    out[row] = odd & ~pairs & (ones | cell);
  }
}

}  // namespace
}  // namespace SERIALPROF_ISA
}  // namespace serialprof
