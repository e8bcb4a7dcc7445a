// SPDX-License-Identifier: Apache-2.0
// Matrices in panels, rows of activations, and how a team divides their product.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "team.hpp"

namespace serialprof {

inline std::int64_t round_up(std::int64_t count, std::int64_t grain) { return (count + grain - 1) / grain * grain; }

// Floats from row to row of activations with `columns` entries. Padded to the largest panel of any instruction set, and
// by a cache line so that rows of a power of two do not fall into the same cache sets.
inline std::int64_t row_stride(std::int64_t columns) { return round_up(columns, 32) + 16; }

// How weights are kept. `rounded`: singles with the values of bf16, which give the same results as bf16.
enum class Precision { fp32, rounded, bf16 };

// The nearest bf16, of two as near the even one; for finite values.
inline std::uint16_t to_bf16(float value) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

inline float from_bf16(std::uint16_t upper) noexcept {
  const std::uint32_t bits = static_cast<std::uint32_t>(upper) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float kept(float value, Precision precision) noexcept {
  return precision == Precision::fp32 ? value : from_bf16(to_bf16(value));
}

// Weights of so many bytes, read once a step, are taken to stay in a second-level cache for the most part; more of them
// are far: fetched ahead.
constexpr std::int64_t kNearBytes = 1 << 20;

struct Storage {
  Precision precision = Precision::fp32;
  bool far = false;
  // Panels that stand side by side (see Bundle); above 1 for one lane alone. Divides the panels, and the bounds of
  // those that are multiplied.
  std::int64_t beside = 1;
};

// A matrix [rows, columns] in panels (see PanelsOf), or in bundles of them. Filled entry by entry at construction of a
// kernel.
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::int64_t rows, std::int64_t columns, Storage storage)
      : rows_(rows), columns_(columns), storage_(storage), panel_(loops().panel_rows) {
    const std::int64_t size = round_up(rows, panel_) * columns;
    if (narrow()) {
      upper_ = Buffer<std::uint16_t>(size);
    } else {
      data_ = Buffer<float>(size);
    }
  }

  std::int64_t rows() const noexcept { return rows_; }
  std::int64_t columns() const noexcept { return columns_; }
  std::int64_t panel_count() const noexcept { return (rows_ + panel_ - 1) / panel_; }

  void set(std::int64_t row, std::int64_t column, float value) noexcept {
    if (narrow()) {
      upper_[place(row, column)] = to_bf16(value);
    } else {
      data_[place(row, column)] = kept(value, storage_.precision);
    }
  }
  float at(std::int64_t row, std::int64_t column) const noexcept {
    return narrow() ? from_bf16(upper_[place(row, column)]) : data_[place(row, column)];
  }

  // As Loops::linear, for panels [first, last).
  void multiply(std::int64_t first, std::int64_t last, const float* x, std::int64_t x_stride, std::int64_t lanes,
                float* y, std::int64_t y_stride, bool accumulate) const {
    if (storage_.beside > 1) {
      multiply_beside(first, last, x, y, accumulate);
    } else if (narrow()) {
      loops().linear_bf16(part_of(upper_, first, last), x, x_stride, lanes, y, y_stride, accumulate);
    } else {
      loops().linear(part_of(data_, first, last), x, x_stride, lanes, y, y_stride, accumulate);
    }
  }

 private:
  bool narrow() const noexcept { return storage_.precision == Precision::bf16; }

  void multiply_beside(std::int64_t first, std::int64_t last, const float* x, float* y, bool accumulate) const {
    for (; first < last; first += storage_.beside, y += storage_.beside * panel_) {
      const float* weights = data_.data() + first * panel_ * columns_;
      loops().linear_bundle({weights, storage_.beside, columns_, storage_.far}, x, y, accumulate);
    }
  }

  template <typename Weight>
  PanelsOf<Weight> part_of(const Buffer<Weight>& weights, std::int64_t first, std::int64_t last) const noexcept {
    const std::int64_t stride = panel_ * columns_;
    return {weights.data() + first * stride, last - first, stride, columns_, storage_.far};
  }

  std::int64_t place(std::int64_t row, std::int64_t column) const noexcept {
    const std::int64_t half = panel_ / 2;
    const std::int64_t i = row % panel_;
    const std::int64_t beside = storage_.beside;
    const std::int64_t line = (row / panel_ / beside * columns_ + column) * beside + row / panel_ % beside;
    return line * panel_ + (narrow() ? i % half * 2 + i / half : i);
  }

  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
  Storage storage_;
  std::int64_t panel_ = 1;
  Buffer<float> data_;
  Buffer<std::uint16_t> upper_;  // bf16: the upper halves of singles
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
