// SPDX-License-Identifier: Apache-2.0
// The inputs of a recurrent layer: a few different ones take turns from step to step.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <vector>

#include "bind.hpp"
#include "matrix.hpp"
#include "random.hpp"

namespace serialprof {

// A copy [.., columns] of padded rows.
inline py::array_t<float> rows_of(const float* rows, std::int64_t stride, std::vector<py::ssize_t> shape) {
  py::array_t<float> result(shape);
  const std::int64_t columns = shape.back();
  for (std::int64_t row = 0; row < result.size() / columns; ++row) {
    std::copy_n(rows + row * stride, columns, result.mutable_data() + row * columns);
  }
  return result;
}

// Some lanes of consecutive steps, as lanes of one product: number i is lane first_lane + i % lanes of step
// first_step + i / lanes.
struct Sequence {
  std::int64_t first_step, first_lane, lanes;
};

class InputRing {
 public:
  static constexpr std::int64_t kSteps = 4;  // step t reads input t % kSteps

  InputRing() = default;
  InputRing(std::int64_t hidden, std::int64_t width, Random& random)
      : hidden_(hidden), width_(width), stride_(row_stride(hidden)), rows_(kSteps * width * stride_) {
    for (std::int64_t row = 0; row < kSteps * width; ++row) {
      for (std::int64_t k = 0; k < hidden; ++k) rows_[row * stride_ + k] = random.uniform(1.0f);
    }
  }

  std::int64_t stride() const noexcept { return stride_; }
  const float* row(std::int64_t step, std::int64_t lane) const noexcept {
    return rows_.data() + (step % kSteps * width_ + lane) * stride_;
  }

  // Copies numbers [first, first + count) of a sequence to rows of the same stride.
  void gather(const Sequence& sequence, std::int64_t first, std::int64_t count, float* to) const noexcept {
    for (std::int64_t i = first; i < first + count; ++i, to += stride_) {
      const std::int64_t step = sequence.first_step + i / sequence.lanes;
      std::copy_n(row(step, sequence.first_lane + i % sequence.lanes), hidden_, to);
    }
  }

  py::array_t<float> copy() const { return rows_of(rows_.data(), stride_, {kSteps, width_, hidden_}); }

 private:
  std::int64_t hidden_ = 0, width_ = 0, stride_ = 0;
  Buffer<float> rows_;  // [kSteps * width, stride]
};

}  // namespace serialprof
