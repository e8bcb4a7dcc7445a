// SPDX-License-Identifier: Apache-2.0
// The weights of a recurrent layer whose input size is its hidden size: drawn, permuted for the kernel, and given back
// in the order of torch.nn.
//
// A group is panel_rows hidden units. Its gates are neighbouring panels of W_ih and of W_hh, so that its cells follow
// at once from a few panels. For one lane they stand side by side.
#pragma once

#include <pybind11/numpy.h>

#include <cmath>

#include "bind.hpp"
#include "matrix.hpp"
#include "random.hpp"

namespace serialprof {

// Cell: see recurrent.hpp.
template <typename Cell>
class CellWeights {
 public:
  static constexpr bool kApart = Cell::kSummed < Cell::kGates;
  static constexpr std::int64_t kBiasPanels = Cell::kGates * (kApart ? 2 : 1);  // of a group

  CellWeights() = default;
  // input_lanes, state_lanes: of the products with W_ih and W_hh.
  CellWeights(std::int64_t hidden, std::int64_t input_lanes, std::int64_t state_lanes, Random& random);

  const Matrix& of_input() const noexcept { return input_; }
  const Matrix& of_state() const noexcept { return state_; }
  // Of a group, as the cell takes it: see Loops::CellLoop.
  const float* bias(std::int64_t group) const noexcept { return bias_.data() + group * kBiasPanels * group_; }
  py::dict copy() const;

 private:
  // Row of gate `gate` of unit `unit`: group by group, and in a group gate by gate.
  std::int64_t row_of(std::int64_t gate, std::int64_t unit) const {
    return (unit / group_ * Cell::kGates + gate) * group_ + unit % group_;
  }
  Matrix empty_matrix(std::int64_t lanes) const;
  py::array_t<float> copy_matrix(const Matrix& matrix) const;
  py::array_t<float> copy_bias(const Buffer<float>& bias) const;

  std::int64_t hidden_ = 0;
  std::int64_t group_ = 0;
  Matrix input_, state_;                   // [gates * padded units, hidden]
  Buffer<float> input_bias_, state_bias_;  // permuted as the rows
  Buffer<float> bias_;                     // both, sums where the cell takes the gates' sums
};

template <typename Cell>
Matrix CellWeights<Cell>::empty_matrix(std::int64_t lanes) const {
  const std::int64_t rows = Cell::kGates * round_up(hidden_, group_);
  const bool far = 8 * rows * hidden_ > kNearBytes;  // both matrices
  return Matrix(rows, hidden_, {Precision::fp32, far, lanes == 1 ? Cell::kGates : 1});
}

template <typename Cell>
CellWeights<Cell>::CellWeights(std::int64_t hidden, std::int64_t input_lanes, std::int64_t state_lanes, Random& random)
    : hidden_(hidden),
      group_(loops().panel_rows),
      input_(empty_matrix(input_lanes)),
      state_(empty_matrix(state_lanes)) {
  const std::int64_t groups = round_up(hidden, group_) / group_;
  const std::int64_t rows = Cell::kGates * groups * group_;
  for (Buffer<float>* bias : {&input_bias_, &state_bias_}) *bias = Buffer<float>(rows);
  bias_ = Buffer<float>(kBiasPanels * groups * group_);
  const float bound = 1.0f / std::sqrt(static_cast<float>(hidden));  // torch's default
  for (std::int64_t gate = 0; gate < Cell::kGates; ++gate) {
    for (std::int64_t unit = 0; unit < hidden; ++unit) {
      const std::int64_t row = row_of(gate, unit);
      for (Matrix* matrix : {&input_, &state_}) {
        for (std::int64_t k = 0; k < hidden; ++k) matrix->set(row, k, random.uniform(bound));
      }
      for (Buffer<float>* bias : {&input_bias_, &state_bias_}) (*bias)[row] = random.uniform(bound);
      const std::int64_t place = unit / group_ * kBiasPanels * group_ + gate * group_ + unit % group_;
      bias_[place] = input_bias_[row];
      bias_[gate < Cell::kSummed ? place : place + Cell::kGates * group_] += state_bias_[row];
    }
  }
}

// [gates * hidden, hidden] of the weights, gate by gate.
template <typename Cell>
py::array_t<float> CellWeights<Cell>::copy_matrix(const Matrix& matrix) const {
  py::array_t<float> result({Cell::kGates * hidden_, hidden_});
  auto to = result.mutable_unchecked<2>();
  for (std::int64_t row = 0; row < Cell::kGates * hidden_; ++row) {
    const std::int64_t from = row_of(row / hidden_, row % hidden_);
    for (std::int64_t k = 0; k < hidden_; ++k) to(row, k) = matrix.at(from, k);
  }
  return result;
}

template <typename Cell>
py::array_t<float> CellWeights<Cell>::copy_bias(const Buffer<float>& bias) const {
  py::array_t<float> result(Cell::kGates * hidden_);
  float* to = result.mutable_data();
  for (std::int64_t row = 0; row < result.size(); ++row) to[row] = bias[row_of(row / hidden_, row % hidden_)];
  return result;
}

template <typename Cell>
py::dict CellWeights<Cell>::copy() const {
  return py::dict(py::arg("weight_ih") = copy_matrix(input_), py::arg("weight_hh") = copy_matrix(state_),
                  py::arg("bias_ih") = copy_bias(input_bias_), py::arg("bias_hh") = copy_bias(state_bias_));
}

}  // namespace serialprof
