// SPDX-License-Identifier: Apache-2.0
// Conway's life on a torus, bit-sliced: one step is one generation.
//
// Every row lies in strips (strips.hpp), and the vectors of all rows that hold the same cells of their strips lie one
// below the other in memory, a column: a generation runs down the columns, with a column on each side as neighbours.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "bind.hpp"
#include "loops/dispatch.hpp"
#include "memory.hpp"
#include "random.hpp"
#include "strips.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kGrain = kLineBytes / 8;  // words of a cache line
constexpr std::int64_t kBlockWords = 3 << 10;    // of the rows of four columns that stay in a first-level cache

std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }

// Columns of vectors, one column of neighbours on each side: -1 and columns(). Each column has a copy of its last
// vector above it and of its first vector below it.
class Grid {
 public:
  Grid() = default;
  Grid(std::int64_t rows, std::int64_t columns, std::int64_t words)
      : rows_(rows),
        strips_(columns, words),
        behind_(strips_.place(columns)),
        last_(strips_.place(columns - 1)),
        words_(words),
        stride_((rows * words + kGrain - 1) / kGrain * kGrain + 2 * kGrain),
        memory_(allocate<std::uint64_t>(stride_ * (strips_.length() + 2))) {
    std::fill_n(memory_.get(), stride_ * (strips_.length() + 2), std::uint64_t{0});
  }

  std::int64_t columns() const noexcept { return strips_.length(); }
  std::uint64_t* vector(std::int64_t column, std::int64_t row) const noexcept {
    return memory_.get() + (column + 1) * stride_ + kGrain + row * words_;
  }

  // Puts the neighbours of rows [first, last), which were just rewritten.
  void close(std::int64_t first, std::int64_t last) noexcept {
    if (first >= last) return;
    const std::int64_t columns = strips_.length();
    // Where strips hang over the end of the row, its first cell stands behind its last one, and that one before it.
    if (!strips_.whole()) copy_cells(0, {0, 0, 0}, behind_.vector, behind_, first, last);
    loops().rotate_vectors(vector(0, first), vector(columns, first), last - first, false);
    loops().rotate_vectors(vector(columns - 1, first), vector(-1, first), last - first, true);
    if (!strips_.whole()) copy_cells(last_.vector, last_, -1, {0, 0, 0}, first, last);
    for (std::int64_t column = -1; column <= columns; ++column) {
      if (first == 0) std::copy_n(vector(column, 0), words_, vector(column, rows_));
      if (last == rows_) std::copy_n(vector(column, rows_ - 1), words_, vector(column, -1));
    }
  }

  void cut(std::int64_t row, const std::uint64_t* cells) noexcept { strips_.cut(cells, vector(0, row), stride_); }
  void join(std::int64_t row, std::uint64_t* cells) const noexcept { strips_.join(vector(0, row), stride_, cells); }

 private:
  // One cell of each row, from one column's place to another's.
  void copy_cells(std::int64_t column, const Strips::Place& from, std::int64_t target, const Strips::Place& to,
                  std::int64_t first, std::int64_t last) noexcept {
    for (std::int64_t row = first; row < last; ++row) {
      const std::uint64_t cell = vector(column, row)[from.word] >> from.bit & 1;
      std::uint64_t& word = vector(target, row)[to.word];
      word = (word & ~(std::uint64_t{1} << to.bit)) | cell << to.bit;
    }
  }

  std::int64_t rows_ = 0;
  Strips strips_;
  Strips::Place behind_{};  // of the position after the last cell of a row
  Strips::Place last_{};
  std::int64_t words_ = 0;   // of a vector
  std::int64_t stride_ = 0;  // words from column to column
  Memory<std::uint64_t> memory_;
};

class Life {
 public:
  Life(std::shared_ptr<Team> members, std::int64_t rows, std::int64_t columns, std::uint64_t seed, bool wide)
      : team(std::move(members)), rows_(rows), columns_(columns), wide_(wide) {
    in_range("rows", rows, 1, std::int64_t{1} << 40);
    in_range("columns", columns, kCellsPerWord, std::int64_t{1} << 40);
    require(columns % kCellsPerWord == 0, "columns = " + std::to_string(columns) + " is no multiple of 64; choose one");
    const std::int64_t copies = 1 + (wide ? team->size() : 2);
    const std::int64_t words = loops().bit_words;
    const double vectors = static_cast<double>(Strips(columns, words).length() + 2);
    const double column = static_cast<double>(rows * words + 3 * kGrain);
    require_memory({{"rows", rows}, {"columns", columns}}, 8.0 * vectors * column * static_cast<double>(copies));
    initial_ = Grid(rows, columns, words);
    for (std::int64_t copy = 1; copy < copies; ++copy) grids_.emplace_back(rows, columns, words);
    Random random(seed);
    std::vector<std::uint64_t> row(at(columns / kCellsPerWord));
    for (std::int64_t index = 0; index < rows; ++index) {
      for (std::uint64_t& word : row) word = random.bits();
      initial_.cut(index, row.data());
    }
    initial_.close(0, rows);
  }

  void begin() { generation_ = 0; }

  void step(std::int64_t index, Member& member) {
    if (wide_) {  // every step makes the first generation anew, into this thread's own grid
      if (index % member.size == member.rank) advance(initial_, grids_[at(member.rank)], 0, rows_);
      if (member.rank == 0) generation_ = 1;
      return;
    }
    std::int64_t first;
    std::int64_t last;
    if (member.size == 1) {
      first = 0;
      last = rows_;
    } else {
      member.share(rows_, kGrain, &first, &last);
    }
    advance(index == 0 ? initial_ : grids_[at((index - 1) % 2)], grids_[at(index % 2)], first, last);
    if (member.rank == 0) generation_ = index + 1;
    if (member.size > 1) member.barrier();
  }

  // Row by row, the cells of a row packed into bytes from the lowest bit up.
  py::bytes grid() const {
    const Grid& newest = generation_ == 0 ? initial_ : grids_[at(wide_ ? 0 : (generation_ - 1) % 2)];
    const std::int64_t words = columns_ / kCellsPerWord;
    std::vector<std::uint64_t> cells(at(rows_ * words));
    for (std::int64_t row = 0; row < rows_; ++row) newest.join(row, cells.data() + row * words);
    return py::bytes(reinterpret_cast<const char*>(cells.data()), cells.size() * 8);
  }

  void set_grid(const std::string& bytes) {
    const Turn turn(*team);
    const std::int64_t wanted = rows_ * (columns_ / 8);
    require(static_cast<std::int64_t>(bytes.size()) == wanted,
            "grid: needs " + std::to_string(wanted) + " bytes, not " + std::to_string(bytes.size()));
    std::vector<std::uint64_t> row(at(columns_ / kCellsPerWord));
    for (std::int64_t index = 0; index < rows_; ++index) {
      std::memcpy(row.data(), bytes.data() + index * (columns_ / 8), row.size() * 8);
      initial_.cut(index, row.data());
    }
    initial_.close(0, rows_);
    generation_ = 0;
  }

  std::shared_ptr<Team> team;

 private:
  static void advance(const Grid& from, Grid& to, std::int64_t first, std::int64_t last) noexcept {
    const std::int64_t block = kBlockWords / (4 * loops().bit_words);
    for (std::int64_t row = first; row < last; row += block) {
      const std::int64_t rows = std::min(block, last - row);
      for (std::int64_t column = 0; column < from.columns(); ++column) {
        loops().life_column(from.vector(column - 1, row), from.vector(column, row), from.vector(column + 1, row),
                            to.vector(column, row), rows);
      }
    }
    to.close(first, last);
  }

  std::int64_t rows_;
  std::int64_t columns_;
  bool wide_;
  Grid initial_;
  std::vector<Grid> grids_;  // serial form: two that take turns; wide form: one per thread
  std::int64_t generation_ = 0;
};

}  // namespace

void register_life(py::module_& module) {
  kernel_class<Life>(module, "Life", "Conway's life on a torus of rows x columns cells, one generation per step.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::uint64_t, bool>(),
           py::arg("team").none(false), py::arg("rows"), py::arg("columns"), py::arg("seed") = 0,
           py::arg("wide") = false)
      .def("grid", &Life::grid,
           "The grid after the last run, row by row: the cell in column j is bit j % 8 of byte j // 8 of its row.")
      .def("set_grid", &Life::set_grid, py::arg("grid"), "Sets the grid that every run starts from.");
}

}  // namespace serialprof
