// SPDX-License-Identifier: Apache-2.0
// A recurrent network of one LSTM layer: one step updates the state of every lane of the batch.
//
//   [i f g o] = W_ih x_t + b_ih + W_hh h + b_hh,  c <- s(f) c + s(i) tanh(g),  h <- s(o) tanh(c)    (as torch.nn.LSTM)
//
// The threads divide the hidden units. A piece is a group of panel_rows units: its four gates are four panels of the
// weights, so that the cell follows at once from the gates and the only barrier is the one that ends the step.
// Wide form: `steps` independent updates from the zero state with the same inputs, all as lanes of one product.
#include <pybind11/numpy.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "matrix.hpp"
#include "random.hpp"
#include "wide.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kRing = 4;  // different inputs; step t reads input t % kRing
constexpr std::int64_t kGates = 4;

class Lstm {
 public:
  Lstm(std::shared_ptr<Team> the_team, std::int64_t hidden, std::int64_t width, std::int64_t seed, std::int64_t depth,
       bool wide);

  void plan(std::int64_t steps) { steps_ = steps; }
  void begin();
  void step(std::int64_t index, Member& member) { wide_ ? update_all(member) : update(index, member); }

  bool wide() const { return wide_; }
  std::int64_t depth() const { return depth_; }
  py::dict weights() const;
  py::array_t<float> inputs() const;
  py::tuple state() const;

  std::shared_ptr<Team> team;

 private:
  void update(std::int64_t index, Member& member);
  void update_all(Member& member);
  void check() const;
  void update_group(std::int64_t group, const float* x, const float* h, std::int64_t lanes, float* gates, float* cell,
                    float* next) const;
  // Row of gate `gate` of unit `unit` in the permuted weights: group by group, and in a group gate by gate.
  std::int64_t row_of(std::int64_t gate, std::int64_t unit) const {
    return (unit / group_ * kGates + gate) * group_ + unit % group_;
  }
  float* gates_of(int rank) { return gates_.data() + rank * kLaneBlock * kGates * group_; }
  py::array_t<float> copy(const Matrix& matrix) const;
  py::array_t<float> copy(const Buffer<float>& bias) const;

  std::int64_t hidden_, width_, depth_;
  bool wide_;
  std::int64_t steps_ = 0;
  std::int64_t group_;  // units in a group
  std::int64_t groups_;
  std::int64_t stride_;  // of the rows below
  Matrix weight_ih_, weight_hh_;
  Buffer<float> bias_ih_, bias_hh_, bias_;  // permuted as the weights; bias_ is their sum
  Buffer<float> inputs_;                    // [kRing * width, stride]
  Buffer<float> hidden_state_[2];           // serial: [width, stride], read and written by turns; wide: see update_all
  Buffer<float> cell_;                      // serial: [width, stride]; wide: [depth * width, stride]
  Buffer<float> gates_;                     // per thread [kLaneBlock, 4 * group]
  Buffer<float> gathered_;                  // wide, per thread [kLaneBlock, stride]: inputs of a block of lanes
};

Lstm::Lstm(std::shared_ptr<Team> the_team, std::int64_t hidden, std::int64_t width, std::int64_t seed,
           std::int64_t depth, bool wide)
    : team(std::move(the_team)),
      hidden_(in_range("hidden", hidden, 1, 1 << 14)),
      width_(in_range("width", width, 1, 1 << 20)),
      depth_(in_range("depth", depth, 1, std::int64_t{1} << 40)),
      wide_(wide),
      group_(loops().panel_rows),
      groups_(round_up(hidden, group_) / group_),
      stride_(row_stride(hidden)) {
  check();
  const std::int64_t rows = kGates * groups_ * group_;
  weight_ih_ = Matrix(rows, hidden_);
  weight_hh_ = Matrix(rows, hidden_);
  for (Buffer<float>* bias : {&bias_ih_, &bias_hh_, &bias_}) *bias = Buffer<float>(rows);
  inputs_ = Buffer<float>(kRing * width_ * stride_);
  const std::int64_t lanes = wide_ ? depth_ * width_ : width_;
  hidden_state_[0] = Buffer<float>((wide_ ? kLaneBlock : lanes) * stride_);
  hidden_state_[1] = Buffer<float>(lanes * stride_);
  cell_ = Buffer<float>(lanes * stride_);
  gates_ = Buffer<float>(team->size() * kLaneBlock * kGates * group_);
  if (wide_) gathered_ = Buffer<float>(team->size() * kLaneBlock * stride_);

  Random random(seed);
  const float bound = 1.0f / std::sqrt(static_cast<float>(hidden_));  // torch's default
  for (std::int64_t gate = 0; gate < kGates; ++gate) {
    for (std::int64_t unit = 0; unit < hidden_; ++unit) {
      const std::int64_t row = row_of(gate, unit);
      for (std::int64_t k = 0; k < hidden_; ++k) weight_ih_.at(row, k) = random.uniform(bound);
      for (std::int64_t k = 0; k < hidden_; ++k) weight_hh_.at(row, k) = random.uniform(bound);
      bias_ih_[row] = random.uniform(bound);
      bias_hh_[row] = random.uniform(bound);
      bias_[row] = bias_ih_[row] + bias_hh_[row];
    }
  }
  for (std::int64_t row = 0; row < kRing * width_; ++row) {
    for (std::int64_t k = 0; k < hidden_; ++k) inputs_[row * stride_ + k] = random.uniform(1.0f);
  }
}

// Refuses what would not fit before anything is allocated.
void Lstm::check() const {
  const std::int64_t lanes = wide_ ? product({depth_, width_}) : width_;
  FloatBudget budget;
  budget.add({2 * kGates, groups_ * group_, hidden_ + 3});
  budget.add({kRing * width_, stride_});
  budget.add({3, lanes, stride_});
  budget.add({team->size(), kLaneBlock, kGates * group_ + stride_});
}

void Lstm::begin() {
  if (wide_) return;  // starts from zeros that nothing overwrites
  std::fill_n(hidden_state_[0].data(), hidden_state_[0].size(), 0.0f);
  std::fill_n(cell_.data(), cell_.size(), 0.0f);
}

// One group of units for some lanes. x, h, cell and next point to rows; gates is scratch.
void Lstm::update_group(std::int64_t group, const float* x, const float* h, std::int64_t lanes, float* gates,
                        float* cell, float* next) const {
  const std::int64_t gate_stride = kGates * group_;
  const std::int64_t first = group * kGates;
  const Loops& run = loops();
  run.linear(weight_ih_.panels(first, first + kGates), x, stride_, lanes, gates, gate_stride, false);
  run.linear(weight_hh_.panels(first, first + kGates), h, stride_, lanes, gates, gate_stride, true);
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const std::int64_t place = lane * stride_ + group * group_;
    run.lstm_cell(gates + lane * gate_stride, bias_.data() + first * group_, cell + place, next + place);
  }
}

void Lstm::update(std::int64_t index, Member& member) {
  const float* x = inputs_.data() + index % kRing * width_ * stride_;
  const float* h = hidden_state_[index % 2].data();
  float* next = hidden_state_[(index + 1) % 2].data();
  for_each_tile(member, width_, groups_, [&](const Tile& tile) {
    const std::int64_t row = tile.first_lane * stride_;
    for (std::int64_t piece = tile.first_piece; piece < tile.last_piece; ++piece) {
      // Odd steps walk backwards: what the last step left in the cache is read first.
      const std::int64_t group = index % 2 == 0 ? piece : tile.first_piece + tile.last_piece - 1 - piece;
      update_group(group, x + row, h + row, tile.last_lane - tile.first_lane, gates_of(member.rank), cell_.data() + row,
                   next + row);
    }
  });
  member.barrier();
}

// Lane t * width + b is step t of lane b. The states before it are zeros: hidden_state_[0] stays so, and each cell is
// cleared before its update.
void Lstm::update_all(Member& member) {
  float* x = gathered_.data() + member.rank * kLaneBlock * stride_;
  for_each_tile(member, steps_ * width_, groups_, [&](const Tile& tile) {
    const std::int64_t lanes = tile.last_lane - tile.first_lane;
    const std::int64_t row = tile.first_lane * stride_;
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const std::int64_t source = (tile.first_lane + lane) % (kRing * width_);
      std::copy_n(inputs_.data() + source * stride_, stride_, x + lane * stride_);
      std::fill(cell_.data() + row + lane * stride_ + tile.first_piece * group_,
                cell_.data() + row + lane * stride_ + tile.last_piece * group_, 0.0f);
    }
    for (std::int64_t group = tile.first_piece; group < tile.last_piece; ++group) {
      update_group(group, x, hidden_state_[0].data(), lanes, gates_of(member.rank), cell_.data() + row,
                   hidden_state_[1].data() + row);
    }
  });
}

py::array_t<float> Lstm::copy(const Matrix& matrix) const {
  py::array_t<float> result({kGates * hidden_, hidden_});
  auto to = result.mutable_unchecked<2>();
  for (std::int64_t row = 0; row < kGates * hidden_; ++row) {
    for (std::int64_t k = 0; k < hidden_; ++k) to(row, k) = matrix.at(row_of(row / hidden_, row % hidden_), k);
  }
  return result;
}

py::array_t<float> Lstm::copy(const Buffer<float>& bias) const {
  py::array_t<float> result(kGates * hidden_);
  auto to = result.mutable_unchecked<1>();
  for (std::int64_t row = 0; row < kGates * hidden_; ++row) to(row) = bias[row_of(row / hidden_, row % hidden_)];
  return result;
}

py::dict Lstm::weights() const {
  py::dict result;
  result["weight_ih"] = copy(weight_ih_);
  result["weight_hh"] = copy(weight_hh_);
  result["bias_ih"] = copy(bias_ih_);
  result["bias_hh"] = copy(bias_hh_);
  return result;
}

// A copy [.., columns] of padded rows.
py::array_t<float> rows_of(const float* rows, std::int64_t stride, std::vector<py::ssize_t> shape) {
  py::array_t<float> result(shape);
  const std::int64_t columns = shape.back();
  for (std::int64_t row = 0; row < result.size() / columns; ++row) {
    std::copy_n(rows + row * stride, columns, result.mutable_data() + row * columns);
  }
  return result;
}

py::array_t<float> Lstm::inputs() const { return rows_of(inputs_.data(), stride_, {kRing, width_, hidden_}); }

py::tuple Lstm::state() const {
  const float* hidden = hidden_state_[wide_ ? 1 : steps_ % 2].data();
  std::vector<py::ssize_t> shape{width_, hidden_};
  if (wide_) shape.insert(shape.begin(), steps_);
  return py::make_tuple(rows_of(hidden, stride_, shape), rows_of(cell_.data(), stride_, shape));
}

}  // namespace

void register_lstm(py::module_& module) {
  planned_kernel_class<Lstm>(module, "Lstm",
                             "An LSTM layer whose input size is its hidden size; one step is one update.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::int64_t, std::int64_t, bool>(),
           py::arg("team").none(false), py::arg("hidden"), py::arg("width"), py::arg("seed"), py::arg("depth"),
           py::arg("wide") = false)
      .def("weights", &Lstm::weights)
      .def("inputs", &Lstm::inputs)
      .def("state", &Lstm::state);
}

}  // namespace serialprof
