// SPDX-License-Identifier: Apache-2.0
// Matrices in panels, rows of activations, and how a team divides their product.
#pragma once

#include <algorithm>
#include <cstdint>

#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "team.hpp"

namespace serialprof {

inline std::int64_t round_up(std::int64_t count, std::int64_t grain) { return (count + grain - 1) / grain * grain; }

// Floats from row to row of activations with `columns` entries. Padded to the largest panel of any instruction set, and
// by a cache line so that rows of a power of two do not fall into the same cache sets.
inline std::int64_t row_stride(std::int64_t columns) { return round_up(columns, 32) + 16; }

// A matrix up to here is taken to stay in a second-level cache, most of it; larger ones are fetched ahead.
constexpr std::int64_t kNearBytes = 1 << 20;

// A matrix [rows, columns] in panels (see Panels). Filled entry by entry at construction of a kernel.
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::int64_t rows, std::int64_t columns)
      : rows_(rows), columns_(columns), data_(round_up(rows, loops().panel_rows) * columns) {}

  std::int64_t rows() const noexcept { return rows_; }
  std::int64_t columns() const noexcept { return columns_; }
  float& at(std::int64_t row, std::int64_t column) noexcept { return data_[place(row, column)]; }
  float at(std::int64_t row, std::int64_t column) const noexcept { return data_[place(row, column)]; }
  std::int64_t panel_count() const noexcept { return (rows_ + loops().panel_rows - 1) / loops().panel_rows; }

  Panels panels(std::int64_t first, std::int64_t last) const noexcept {
    const std::int64_t stride = loops().panel_rows * columns_;
    return Panels{data_.data() + first * stride, last - first, stride, columns_, far()};
  }

 private:
  bool far() const noexcept { return product({rows_, columns_}) * 4 > kNearBytes; }
  std::int64_t place(std::int64_t row, std::int64_t column) const noexcept {
    const std::int64_t panel = loops().panel_rows;
    return (row / panel * columns_ + column) * panel + row % panel;
  }

  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
  Buffer<float> data_;
};

// A part of a product: lanes [first_lane, last_lane) times pieces [first_piece, last_piece) of a matrix's rows.
struct Tile {
  std::int64_t first_lane, last_lane, first_piece, last_piece;
};

// Lanes that pass a matrix together: their inputs stay in a second-level cache meanwhile.
constexpr std::int64_t kLaneBlock = 96;

// Calls visit(tile) for this thread's share of lanes x pieces, the same share at every call. Up to one block of lanes
// the threads divide the pieces, so that each keeps its own part of the matrix in its caches.
template <typename Visit>
void for_each_tile(const Member& member, std::int64_t lanes, std::int64_t pieces, Visit visit) {
  const std::int64_t blocks = (lanes + kLaneBlock - 1) / kLaneBlock;
  std::int64_t first, last;
  member.share(blocks * pieces, 1, &first, &last);
  while (first < last) {
    const std::int64_t block = first / pieces;
    const std::int64_t end = std::min(last, (block + 1) * pieces);
    visit(Tile{lanes * block / blocks, lanes * (block + 1) / blocks, first - block * pieces, end - block * pieces});
    first = end;
  }
}

}  // namespace serialprof
