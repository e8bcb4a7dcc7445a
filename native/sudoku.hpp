// SPDX-License-Identifier: Apache-2.0
// Sudokus solved 16 side by side: sweeps of propagation, and a search where these end.
//
// After each sweep a puzzle goes on alone: where it has no solution it goes back to its last guess, where nothing has
// changed and a cell has a choice left it guesses, the lowest digit first, in the first of the cells with the fewest.
#pragma once

#include <cstdint>
#include <cstring>

#include "loops/dispatch.hpp"
#include "memory.hpp"

namespace serialprof {

constexpr int kCells = 81;
constexpr int kSideBySide = 16;
constexpr std::uint16_t kAll = 511;

struct Grid {  // of one puzzle: candidates
  std::uint16_t cells[kCells];
};

inline void put_digits(Grid& grid, const std::uint8_t* digits) noexcept {
  for (int cell = 0; cell < kCells; ++cell) {
    grid.cells[cell] = digits[cell] == 0 ? kAll : static_cast<std::uint16_t>(1 << (digits[cell] - 1));
  }
}

enum class After { kSwept, kGuessed, kWentBack, kSolved, kExhausted };

// 16 puzzles side by side. Its memory is whole before anything runs, since threads of a team throw nothing.
class Side {
 public:
  Side() : frames_(allocate<Grid>(kSideBySide * kCells)) {
    std::memset(cells_, 0, sizeof cells_);
    std::memset(depth_, 0, sizeof depth_);
  }

  void put(int lane, const Grid& grid) noexcept {
    for (int cell = 0; cell < kCells; ++cell) cells_[cell][lane] = grid.cells[cell];
    depth_[lane] = 0;
  }

  // All 16 from cells laid out as here.
  void put_all(const std::uint16_t* cells) noexcept {
    std::memcpy(cells_, cells, sizeof cells_);
    std::memset(depth_, 0, sizeof depth_);
  }

  void get(int lane, Grid& grid) const noexcept {
    for (int cell = 0; cell < kCells; ++cell) grid.cells[cell] = cells_[cell][lane];
  }

  void sweep() noexcept { loops().sudoku_sweep(&cells_[0][0], &status_[0][0]); }

  // What follows the sweep in one puzzle. Solved or exhausted, it stays as it is.
  After follow(int lane) noexcept {
    if (status_[0][lane] != 0) return back(lane);
    if (status_[1][lane] != 0) return After::kSwept;
    if (status_[2][lane] == 0) return After::kSolved;
    guess(lane);
    return After::kGuessed;
  }

  // To the last guess, without the digit that was tried.
  After back(int lane) noexcept {
    if (depth_[lane] == 0) return After::kExhausted;
    const Grid& frame = frames_[place(lane, --depth_[lane])];
    for (int cell = 0; cell < kCells; ++cell) cells_[cell][lane] = frame.cells[cell];
    return After::kWentBack;
  }

 private:
  static std::size_t place(int lane, int depth) noexcept {
    return static_cast<std::size_t>(depth * kSideBySide + lane);
  }

  // Each guess leaves a cell without a choice, so that there are at most 81 at a time.
  void guess(int lane) noexcept {
    Grid& frame = frames_[place(lane, depth_[lane]++)];
    for (int cell = 0; cell < kCells; ++cell) frame.cells[cell] = cells_[cell][lane];
    int fewest = 10;
    int chosen = 0;
    for (int cell = 0; cell < kCells && fewest > 2; ++cell) {
      int count = 0;  // at most fewest: there is rarely a cell with more than two to be counted
      for (unsigned left = frame.cells[cell]; left != 0 && count < fewest; left &= left - 1) ++count;
      if (count < 2 || count >= fewest) continue;
      fewest = count;
      chosen = cell;
    }
    const auto lowest = static_cast<std::uint16_t>(frame.cells[chosen] & -frame.cells[chosen]);
    cells_[chosen][lane] = lowest;
    frame.cells[chosen] = static_cast<std::uint16_t>(frame.cells[chosen] & ~lowest);
  }

  alignas(64) std::uint16_t cells_[kCells][kSideBySide];
  alignas(64) std::uint16_t status_[3][kSideBySide];
  int depth_[kSideBySide];  // guesses that a puzzle stands on
  Memory<Grid> frames_;     // [depth, lane]
};

}  // namespace serialprof
