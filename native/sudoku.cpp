// SPDX-License-Identifier: Apache-2.0
// Sudokus: one step is a sweep of propagation over each puzzle and what follows it (sudoku.hpp). Easy ones are solved
// by a few sweeps, hard ones by a search, each of whose sweeps waits for the one before.
#include "sudoku.hpp"

#include <pybind11/numpy.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "bind.hpp"
#include "buffer.hpp"
#include "sudokumaking.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kSideWords = std::int64_t{kCells} * kSideBySide;

class Sudoku {
 public:
  Sudoku(std::shared_ptr<Team> members, std::int64_t width, bool hard, std::uint64_t seed, bool wide)
      : team(std::move(members)), wide_(wide), width_(in_range("width", width, 1, 1 << 20)) {
    groups_ = (width + kSideBySide - 1) / kSideBySide;
    const std::int64_t sides = wide ? team->size() : groups_;
    const double bytes = static_cast<double>(sizeof(Side) + sizeof(Grid) * kSideWords);
    require_memory("width", width, bytes * static_cast<double>(sides) + 1000.0 * static_cast<double>(width));
    start_ = Buffer<std::uint16_t>(groups_ * kSideWords);
    sides_ = std::make_unique<Side[]>(static_cast<std::size_t>(sides));
    counts_ = Buffer<std::int64_t>(2 * width);
    py::gil_scoped_release release;
    puzzles_ = SudokuMaker(seed).make(width, hard);
    for (std::int64_t puzzle = 0; puzzle < width; ++puzzle) {
      Grid grid;
      put_digits(grid, &puzzles_[static_cast<std::size_t>(puzzle * kCells)]);
      for (int cell = 0; cell < kCells; ++cell) *start_of(puzzle, cell) = grid.cells[cell];
    }
    begin();
  }

  void begin() {
    std::fill_n(counts_.data(), counts_.size(), 0);
    if (wide_) return;
    for (std::int64_t group = 0; group < groups_; ++group) side(group).put_all(start_.data() + group * kSideWords);
  }

  void step(std::int64_t index, Member& member) {
    if (wide_) {  // every step makes the first sweep anew
      if (index % member.size == member.rank) sweep_all(side(member.rank));
      return;
    }
    std::int64_t first;
    std::int64_t last;
    member.share(groups_, 1, &first, &last);
    for (std::int64_t group = first; group < last; ++group) advance(group);
    if (member.size > 1) member.barrier();
  }

  py::array_t<std::uint8_t> puzzles() const {
    py::array_t<std::uint8_t> result({width_, std::int64_t{kCells}});
    std::copy(puzzles_.begin(), puzzles_.end(), result.mutable_data());
    return result;
  }

  // In the wide form the first sweep of all, made here.
  py::array_t<std::uint16_t> cells() const {
    py::array_t<std::uint16_t> result({width_, std::int64_t{kCells}});
    Side scratch;
    for (std::int64_t puzzle = 0; puzzle < width_; ++puzzle) {
      if (wide_ && puzzle % kSideBySide == 0) {
        scratch.put_all(start_.data() + puzzle / kSideBySide * kSideWords);
        scratch.sweep();
      }
      Grid grid;
      (wide_ ? scratch : side(puzzle / kSideBySide)).get(static_cast<int>(puzzle % kSideBySide), grid);
      std::copy_n(grid.cells, kCells, result.mutable_data() + puzzle * kCells);
    }
    return result;
  }

  py::array_t<std::int64_t> counts() const {
    py::array_t<std::int64_t> result({width_, std::int64_t{2}});
    std::copy_n(counts_.data(), counts_.size(), result.mutable_data());
    return result;
  }

  std::shared_ptr<Team> team;

 private:
  Side& side(std::int64_t index) const { return sides_[static_cast<std::size_t>(index)]; }
  std::uint16_t* start_of(std::int64_t puzzle, int cell) {
    return start_.data() + puzzle / kSideBySide * kSideWords + cell * kSideBySide + puzzle % kSideBySide;
  }

  void advance(std::int64_t group) noexcept {
    Side& mine = side(group);
    mine.sweep();
    const std::int64_t first = group * kSideBySide;
    for (std::int64_t puzzle = first; puzzle < std::min(first + kSideBySide, width_); ++puzzle) {
      const auto lane = static_cast<int>(puzzle - first);
      const After after = mine.follow(lane);
      if (after == After::kGuessed) ++counts_[2 * puzzle + 1];
      if (after != After::kSolved) continue;
      ++counts_[2 * puzzle];
      Grid grid;
      for (int cell = 0; cell < kCells; ++cell) grid.cells[cell] = *start_of(puzzle, cell);
      mine.put(lane, grid);
    }
  }

  void sweep_all(Side& mine) noexcept {
    for (std::int64_t group = 0; group < groups_; ++group) {
      mine.put_all(start_.data() + group * kSideWords);
      mine.sweep();
    }
  }

  bool wide_;
  std::int64_t width_;
  std::int64_t groups_ = 0;            // of 16 puzzles side by side
  std::vector<std::uint8_t> puzzles_;  // [width, 81]
  Buffer<std::uint16_t> start_;        // [groups, 81, 16]
  std::unique_ptr<Side[]> sides_;      // serial form: by group; wide form: by thread
  Buffer<std::int64_t> counts_;        // [width, 2]: solved, guesses
};

struct Solving {
  Batch batch;
  std::int64_t count;
  Side* sides;  // by rank

  static void task(void* context, Member& member) {
    const Solving& solving = *static_cast<Solving*>(context);
    std::int64_t first;
    std::int64_t last;
    member.share(solving.count, 1, &first, &last);
    solve(solving.batch, first, last, solving.sides[member.rank]);
  }
};

py::tuple sudoku_solve(const std::shared_ptr<Team>& team, const py::array& puzzles, std::int64_t most) {
  in_range("most", most, 1, std::int64_t{1} << 40);
  if (!puzzles.dtype().is(py::dtype::of<std::uint8_t>())) throw py::type_error("puzzles: needs entries of type uint8");
  require(puzzles.ndim() == 2 && puzzles.shape(1) == kCells, "puzzles: needs two dimensions, [n, 81]");
  const std::int64_t count = puzzles.shape(0);
  require_memory("puzzles", count, 300.0 * static_cast<double>(count));
  // A copy, which nobody else changes meanwhile.
  const auto given = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>(puzzles);
  const std::vector<std::uint8_t> digits(given.data(), given.data() + given.size());
  require(std::all_of(digits.begin(), digits.end(), [](auto digit) { return digit <= 9; }),
          "puzzles: needs digits 0 to 9, 0 where none is given");
  py::array_t<std::uint8_t> solutions({count, std::int64_t{kCells}});
  py::array_t<std::int64_t> found(count), guesses(count);
  std::fill_n(solutions.mutable_data(), solutions.size(), std::uint8_t{0});
  std::fill_n(found.mutable_data(), count, 0);
  std::fill_n(guesses.mutable_data(), count, 0);
  const auto sides = std::make_unique<Side[]>(static_cast<std::size_t>(team->size()));
  Solving solving{Batch{digits.data(), most, solutions.mutable_data(), found.mutable_data(), guesses.mutable_data()},
                  count, sides.get()};
  {
    py::gil_scoped_release release;
    team->run(&Solving::task, &solving);
  }
  return py::make_tuple(solutions, found, guesses);
}

}  // namespace

void register_sudoku(py::module_& module) {
  kernel_class<Sudoku>(module, "Sudoku", "Sudokus searched side by side, one sweep of propagation per step.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, bool, std::uint64_t, bool>(), py::arg("team").none(false),
           py::arg("width"), py::arg("hard"), py::arg("seed") = 0, py::arg("wide") = false)
      .def("puzzles", &Sudoku::puzzles, "[width, 81]: digits row by row, 0 where none is given.")
      .def("cells", &Sudoku::cells, "[width, 81]: the candidates after the last run, digit d as bit d - 1.")
      .def("counts", &Sudoku::counts, "[width, 2]: how often the last run solved a puzzle, and its guesses.");
  module.def("sudoku_solve", &sudoku_solve, py::arg("team").none(false), py::arg("puzzles"), py::arg("most") = 1,
             "First solutions [n, 81], how many were found, and guesses; a search ends with `most` solutions.");
}

}  // namespace serialprof
