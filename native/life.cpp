// SPDX-License-Identifier: Apache-2.0
// Conway's life on a torus, bit-sliced: one step is one generation.
//
// 64 neighbouring cells of a row make a word, and the words of one column of words lie one below the other in memory: a
// generation runs down the columns in vectors, however few words a row has.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "bind.hpp"
#include "loops/dispatch.hpp"
#include "memory.hpp"
#include "random.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kCellsPerWord = 64;
constexpr std::int64_t kGrain = kLineBytes / 8;  // rows that threads share a column in: whole cache lines

// A grid of words in column order. Each column has a copy of its last word above it and of its first word below it.
class Grid {
 public:
  Grid() = default;
  Grid(std::int64_t rows, std::int64_t columns)
      : rows_(rows),
        columns_(columns),
        stride_((rows + kGrain - 1) / kGrain * kGrain + 2 * kGrain),
        memory_(allocate<std::uint64_t>(stride_ * columns)) {
    std::fill_n(memory_.get(), stride_ * columns, std::uint64_t{0});
  }

  std::int64_t rows() const noexcept { return rows_; }
  std::int64_t columns() const noexcept { return columns_; }  // of words
  std::uint64_t* column(std::int64_t index) const noexcept { return memory_.get() + index * stride_ + kGrain; }

  // Closes the torus at the ends of a column that rows [first, last) have just rewritten.
  void close(std::int64_t index, std::int64_t first, std::int64_t last) noexcept {
    if (first >= last) return;
    std::uint64_t* const words = column(index);
    if (first == 0) words[rows_] = words[0];
    if (last == rows_) words[-1] = words[rows_ - 1];
  }

 private:
  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
  std::int64_t stride_ = 0;
  Memory<std::uint64_t> memory_;
};

class Life {
 public:
  Life(std::shared_ptr<Team> members, std::int64_t rows, std::int64_t columns, std::uint64_t seed, bool wide)
      : team(std::move(members)), wide_(wide) {
    in_range("rows", rows, 1, std::int64_t{1} << 40);
    in_range("columns", columns, kCellsPerWord, std::int64_t{1} << 40);
    require(columns % kCellsPerWord == 0, "columns = " + std::to_string(columns) + " is no multiple of 64; choose one");
    const std::int64_t copies = 1 + (wide ? team->size() : 2);
    const double padded_rows = static_cast<double>(rows + 3 * kGrain);
    require_memory("rows", rows, padded_rows * static_cast<double>(columns / 8) * static_cast<double>(copies));
    initial_ = Grid(rows, columns / kCellsPerWord);
    for (std::int64_t copy = 1; copy < copies; ++copy) grids_.emplace_back(rows, columns / kCellsPerWord);
    Random random(seed);
    for (std::int64_t column = 0; column < initial_.columns(); ++column) {
      for (std::int64_t row = 0; row < rows; ++row) initial_.column(column)[row] = random.bits();
      initial_.close(column, 0, rows);
    }
  }

  void begin() { generation_ = 0; }

  void step(std::int64_t index, Member& member) {
    if (wide_) {  // every step makes the first generation anew, into this thread's own grid
      if (index % member.size == member.rank) advance(initial_, grids_[at(member.rank)], 0, initial_.rows());
      if (member.rank == 0) generation_ = 1;
      return;
    }
    std::int64_t first;
    std::int64_t last;
    member.share(initial_.rows(), kGrain, &first, &last);
    advance(index == 0 ? initial_ : grids_[at((index - 1) % 2)], grids_[at(index % 2)], first, last);
    if (member.rank == 0) generation_ = index + 1;
    if (member.size > 1) member.barrier();
  }

  // Row by row, the cells of a row packed into bytes from the lowest bit up.
  py::bytes grid() const {
    const Grid& newest = generation_ == 0 ? initial_ : grids_[at(wide_ ? 0 : (generation_ - 1) % 2)];
    std::vector<std::uint64_t> words(at(newest.rows() * newest.columns()));
    for (std::int64_t column = 0; column < newest.columns(); ++column) {
      for (std::int64_t row = 0; row < newest.rows(); ++row) {
        words[at(row * newest.columns() + column)] = newest.column(column)[row];
      }
    }
    return py::bytes(reinterpret_cast<const char*>(words.data()), words.size() * 8);
  }

  void set_grid(const std::string& bytes) {
    const std::int64_t wanted = initial_.rows() * initial_.columns() * 8;
    require(static_cast<std::int64_t>(bytes.size()) == wanted,
            "grid: needs " + std::to_string(wanted) + " bytes, not " + std::to_string(bytes.size()));
    for (std::int64_t column = 0; column < initial_.columns(); ++column) {
      for (std::int64_t row = 0; row < initial_.rows(); ++row) {
        std::memcpy(initial_.column(column) + row, bytes.data() + (row * initial_.columns() + column) * 8, 8);
      }
      initial_.close(column, 0, initial_.rows());
    }
    generation_ = 0;
  }

  std::shared_ptr<Team> team;

 private:
  static std::size_t at(std::int64_t index) noexcept { return static_cast<std::size_t>(index); }

  static void advance(const Grid& from, Grid& to, std::int64_t first, std::int64_t last) noexcept {
    const std::int64_t columns = from.columns();
    for (std::int64_t column = 0; column < columns; ++column) {
      const std::uint64_t* const left = from.column(column == 0 ? columns - 1 : column - 1);
      const std::uint64_t* const right = from.column(column == columns - 1 ? 0 : column + 1);
      loops().life_column(left + first, from.column(column) + first, right + first, to.column(column) + first,
                          last - first);
      to.close(column, first, last);
    }
  }

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
