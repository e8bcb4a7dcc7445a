// SPDX-License-Identifier: Apache-2.0
// One propagation sweep over 16 puzzles side by side. Included by loops.cpp alone.
//
// A cell is a set of candidates, one bit a digit; cell c of puzzle p stands at cells[c * 16 + p]. Rows, then columns,
// then boxes: what stands alone in its cell is struck out in the rest of the unit, and where a digit has one place left
// it is put there. Inside a unit all cells are judged by what they were before it; the nine units of a kind share none.
#pragma once

#include <stdint.h>

#include "lanes.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {
namespace {

typedef uint16_t Candidates __attribute__((vector_size(32), aligned(32), may_alias));

struct SudokuStatus {
  Candidates bad, changed, open;
};

SERIALPROF_INLINE Candidates several(Candidates cell) { return (Candidates)((cell & (cell - 1)) != 0); }

// A unit's nine cells: first, and then `inner` further for two more, `outer` further for each three.
SERIALPROF_INLINE void sweep_unit(Candidates* first, int inner, int outer, SudokuStatus& status) {
  const Candidates all = Candidates{} + 511;
  Candidates alone = {}, once = {}, twice = {}, open[9];
#pragma GCC unroll 9
  for (int at = 0; at < 9; ++at) {
    const Candidates cell = first[at / 3 * outer + at % 3 * inner];
    open[at] = several(cell);
    alone |= cell & ~open[at];
    twice |= once & cell;
    once |= cell;
    status.bad |= (Candidates)(cell == 0);
  }
  status.bad |= (Candidates)(once != all);
  const Candidates single = once & ~twice;
#pragma GCC unroll 9
  for (int at = 0; at < 9; ++at) {
    Candidates& cell = first[at / 3 * outer + at % 3 * inner];
    const Candidates left = cell & ~(alone & open[at]);
    const Candidates only = left & single;
    const Candidates next = only | (left & (Candidates)(only == 0));
    status.changed |= cell ^ next;
    cell = next;
  }
}

// status: 16 entries each of what is not zero where a puzzle has no solution, has changed, has a cell with a choice.
void sudoku_sweep(uint16_t* from, uint16_t* to) {
  Candidates* cells = reinterpret_cast<Candidates*>(from);
  SudokuStatus status{};
  for (int row = 0; row < 9; ++row) sweep_unit(cells + 9 * row, 1, 3, status);
  for (int column = 0; column < 9; ++column) sweep_unit(cells + column, 9, 27, status);
  for (int box = 0; box < 9; ++box) sweep_unit(cells + box / 3 * 27 + box % 3 * 3, 1, 9, status);
  for (int cell = 0; cell < 81; ++cell) status.open |= several(cells[cell]);
  Candidates* out = reinterpret_cast<Candidates*>(to);
  out[0] = status.bad;
  out[1] = status.changed;
  out[2] = status.open;
}

}  // namespace
}  // namespace SERIALPROF_ISA
}  // namespace serialprof
