// SPDX-License-Identifier: Apache-2.0
// Sudokus of many, and made ones: givens are dug out of full grids as long as the solution stays the only one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "random.hpp"
#include "sudoku.hpp"

namespace serialprof {

// Puzzles one behind the other, and what came of them.
struct Batch {
  const std::uint8_t* puzzles;  // [count, 81]
  std::int64_t most;            // solutions after which a search ends
  std::uint8_t* solutions;      // [count, 81], zeros
  std::int64_t* found;          // [count], zeros
  std::int64_t* guesses;        // [count], zeros
};

// One puzzle of a batch after a sweep; whether it is done with.
inline bool finished(const Batch& batch, std::int64_t puzzle, Side& side, int lane) noexcept {
  After after = side.follow(lane);
  if (after == After::kGuessed) ++batch.guesses[puzzle];
  if (after == After::kSolved) {
    if (batch.found[puzzle]++ == 0) {
      Grid grid;
      side.get(lane, grid);
      for (int cell = 0; cell < kCells; ++cell) {
        batch.solutions[puzzle * kCells + cell] = static_cast<std::uint8_t>(__builtin_ctz(grid.cells[cell]) + 1);
      }
    }
    if (batch.found[puzzle] == batch.most) return true;
    after = side.back(lane);
  }
  return after == After::kExhausted;
}

// Puzzles [first, last), 16 at a time; whichever is done with makes room for the next.
inline void solve(const Batch& batch, std::int64_t first, std::int64_t last, Side& side) noexcept {
  std::int64_t puzzle[kSideBySide];
  std::fill_n(puzzle, kSideBySide, -1);
  for (;;) {
    bool busy = false;
    for (int lane = 0; lane < kSideBySide; ++lane) {
      if (puzzle[lane] < 0 && first < last) {
        Grid grid;
        put_digits(grid, batch.puzzles + first * kCells);
        side.put(lane, grid);
        puzzle[lane] = first++;
      }
      busy |= puzzle[lane] >= 0;
    }
    if (!busy) return;
    side.sweep();
    for (int lane = 0; lane < kSideBySide; ++lane) {
      if (puzzle[lane] >= 0 && finished(batch, puzzle[lane], side, lane)) puzzle[lane] = -1;
    }
  }
}

// Makes puzzles by a seed.
class SudokuMaker {
 public:
  explicit SudokuMaker(std::uint64_t seed) : random_(seed) {}

  // Digits [count, 81]. Hard: no given can be spared, and of four puzzles the one that takes most guesses; else sweeps
  // solve them. Beyond the pool puzzles are others of it with digits, rows and columns in another order.
  std::vector<std::uint8_t> make(std::int64_t count, bool hard) {
    const std::int64_t pool = std::min<std::int64_t>(count, kPool);
    const std::int64_t dug = hard ? 4 * pool : pool;
    puzzles_.assign(at(dug * kCells), 0);
    for (std::int64_t puzzle = 0; puzzle < dug; ++puzzle) sow(&puzzles_[at(puzzle * kCells)]);
    puzzles_ = solved(1).first;
    dig(dug, hard);
    const std::vector<std::int64_t> guesses = solved(1).second;
    std::vector<std::int64_t> order(at(dug));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return guesses[at(a)] > guesses[at(b)]; });
    std::vector<std::uint8_t> made(at(count * kCells));
    for (std::int64_t puzzle = 0; puzzle < count; ++puzzle) {
      shuffle(&puzzles_[at(order[at(puzzle % pool)] * kCells)], &made[at(puzzle * kCells)]);
    }
    return made;
  }

 private:
  static constexpr std::int64_t kPool = 64;
  static std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }

  template <typename T>
  void mix_up(T* values, std::int64_t count) {
    for (std::int64_t index = count - 1; index > 0; --index) std::swap(values[index], values[random_.below(index + 1)]);
  }

  // The three boxes of the diagonal, which bind one another to nothing.
  void sow(std::uint8_t* digits) {
    for (int box = 0; box < 3; ++box) {
      std::uint8_t order[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
      mix_up(order, 9);
      for (int cell = 0; cell < 9; ++cell) digits[(3 * box + cell / 3) * 9 + 3 * box + cell % 3] = order[cell];
    }
  }

  // First solutions and guesses of all puzzles; found_ holds how many solutions.
  std::pair<std::vector<std::uint8_t>, std::vector<std::int64_t>> solved(std::int64_t most) {
    const std::size_t count = puzzles_.size() / kCells;
    std::vector<std::uint8_t> solutions(puzzles_.size());
    std::vector<std::int64_t> guesses(count);
    found_.assign(count, 0);
    serialprof::solve(Batch{puzzles_.data(), most, solutions.data(), found_.data(), guesses.data()}, 0,
                      static_cast<std::int64_t>(count), side_);
    return {std::move(solutions), std::move(guesses)};
  }

  // Each puzzle tries its cells in an order of its own.
  void dig(std::int64_t count, bool hard) {
    std::vector<std::uint8_t> orders(at(count * kCells));
    for (std::int64_t puzzle = 0; puzzle < count; ++puzzle) {
      std::uint8_t* order = &orders[at(puzzle * kCells)];
      std::iota(order, order + kCells, std::uint8_t{0});
      mix_up(order, kCells);
    }
    for (int turn = 0; turn < kCells; ++turn) {
      const std::vector<std::uint8_t> before = puzzles_;
      const auto cell = [&](std::int64_t puzzle) { return at(puzzle * kCells + orders[at(puzzle * kCells + turn)]); };
      for (std::int64_t puzzle = 0; puzzle < count; ++puzzle) puzzles_[cell(puzzle)] = 0;
      const std::vector<std::int64_t> guesses = solved(hard ? 2 : 1).second;
      for (std::int64_t puzzle = 0; puzzle < count; ++puzzle) {
        const bool spared = hard ? found_[at(puzzle)] == 1 : guesses[at(puzzle)] == 0;
        if (!spared) puzzles_[cell(puzzle)] = before[cell(puzzle)];
      }
    }
  }

  // Nine rows in another order: within bands, and the bands.
  void order_lines(int* lines) {
    int bands[3] = {0, 1, 2};
    mix_up(bands, 3);
    for (int band = 0; band < 3; ++band) {
      int within[3] = {0, 1, 2};
      mix_up(within, 3);
      for (int line = 0; line < 3; ++line) lines[3 * band + line] = 3 * bands[band] + within[line];
    }
  }

  void shuffle(const std::uint8_t* from, std::uint8_t* to) {
    std::uint8_t digits[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    mix_up(digits + 1, 9);
    int rows[9], columns[9];
    order_lines(rows);
    order_lines(columns);
    for (int cell = 0; cell < kCells; ++cell) to[cell] = digits[from[9 * rows[cell / 9] + columns[cell % 9]]];
  }

  Random random_;
  Side side_;
  std::vector<std::uint8_t> puzzles_;  // [., 81]
  std::vector<std::int64_t> found_;
};

}  // namespace serialprof
