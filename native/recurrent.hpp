// SPDX-License-Identifier: Apache-2.0
// A layer of a recurrent network whose input size is its hidden size: one step updates the state of every lane of the
// batch. What a cell is, says its file:
//
//   static constexpr std::int64_t kGates;   gates, in the order of torch.nn
//   static constexpr std::int64_t kSummed;  the first of them that add the products with input and state; of the others
//                                           the cell takes the two apart
//   static constexpr bool kCell;            whether there is a cell state beside the hidden state
//   static Loops::CellLoop loop();
//
// The threads divide the hidden units. A piece is a group of panel_rows units: its gates are neighbouring panels of the
// weights [W_ih | W_hh], so that the cell follows at once from the gates and the only barrier is the one that ends the
// step. A row [x | h] holds what they are multiplied with: the state is written beside the next step's input.
// Wide form: `steps` independent updates from the zero state with the same inputs, all as lanes of one product.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "matrix.hpp"
#include "onecell.hpp"
#include "random.hpp"
#include "wide.hpp"

namespace serialprof {

template <typename Cell>
class Recurrent {
 public:
  Recurrent(std::shared_ptr<Team> the_team, std::int64_t hidden, std::int64_t width, std::int64_t seed,
            std::int64_t depth, bool wide);

  void plan(std::int64_t steps) { steps_ = steps; }
  void begin();
  void step(std::int64_t index, Member& member) { wide_ ? update_all(member) : update(index, member); }

  bool wide() const { return wide_; }
  std::int64_t depth() const { return depth_; }
  py::dict weights() const;
  py::array_t<float> inputs() const;
  py::tuple state() const;
  static py::tuple cell(const py::array_t<float>& gates, const py::array_t<float>& before,
                        const py::array_t<float>& c) {
    return update_units(Cell::loop(), Cell::kGates, kGatePanels, gates, before, c);
  }

  std::shared_ptr<Team> team;

 private:
  static constexpr std::int64_t kRing = 4;  // different inputs; step t reads input t % kRing
  static constexpr bool kApart = Cell::kSummed < Cell::kGates;
  static constexpr std::int64_t kGatePanels = Cell::kGates * (kApart ? 2 : 1);
  // Groups multiplied together, where lanes are few or gates are: their panels are the independent sums of the product,
  // and their cells, which mostly wait, overlap.
  static constexpr std::int64_t kBatch = 4;

  // Rows of states that some lanes write.
  struct Target {
    float* cell;  // rows of unit_stride_
    float* hidden;
    std::int64_t hidden_stride;
  };

  void draw(std::int64_t seed);
  void check() const;
  void update(std::int64_t index, Member& member);
  void update_all(Member& member);
  void update_groups(std::int64_t group, std::int64_t count, const float* rows, std::int64_t lanes, float* gates,
                     const Target& target) const;
  // Row of gate `gate` of unit `unit` in the permuted weights: group by group, and in a group gate by gate.
  std::int64_t row_of(std::int64_t gate, std::int64_t unit) const {
    return (unit / group_ * Cell::kGates + gate) * group_ + unit % group_;
  }
  static constexpr std::int64_t batch(std::int64_t lanes) { return Cell::kGates == 1 || lanes <= 3 ? kBatch : 1; }
  std::int64_t lanes() const { return wide_ ? product({depth_, width_}) : width_; }
  float* gates_of(int rank) { return gates_.data() + rank * kLaneBlock * kBatch * kGatePanels * group_; }
  float* rows_at(std::int64_t index) { return rows_.data() + index % kRing * width_ * stride_; }
  py::array_t<float> copy_matrix(std::int64_t first_column) const;
  py::array_t<float> copy_bias(std::int64_t part) const;

  std::int64_t hidden_, width_, depth_;
  bool wide_;
  std::int64_t steps_ = 0;
  std::int64_t group_, groups_;  // units in a group; groups
  std::int64_t stride_;          // of the rows [x | h]
  std::int64_t unit_stride_;     // of the rows of states alone
  Matrix weights_;               // [gates * padded units, 2 * hidden]
  Buffer<float> biases_[2];      // b_ih and b_hh, permuted as the weights
  Buffer<float> bias_;           // as the gates: see update_groups
  Buffer<float> rows_;           // [kRing * width, stride]
  Buffer<float> cell_;           // [lanes, unit_stride]
  Buffer<float> gates_;          // per thread [kLaneBlock, gates of a batch]
  Buffer<float> gathered_;       // wide, per thread [kLaneBlock, stride]: inputs of a block of lanes, and zeros
  Buffer<float> results_;        // wide: [lanes, unit_stride]
  std::vector<std::vector<Tile>> tiles_;  // serial: of each thread
};

template <typename Cell>
Recurrent<Cell>::Recurrent(std::shared_ptr<Team> the_team, std::int64_t hidden, std::int64_t width, std::int64_t seed,
                           std::int64_t depth, bool wide)
    : team(std::move(the_team)),
      hidden_(in_range("hidden", hidden, 1, 1 << 14)),
      width_(in_range("width", width, 1, 1 << 20)),
      depth_(in_range("depth", depth, 1, std::int64_t{1} << 40)),
      wide_(wide),
      group_(loops().panel_rows),
      groups_(round_up(hidden, group_) / group_),
      stride_(row_stride(2 * hidden)),
      unit_stride_(row_stride(hidden)) {
  check();
  const std::int64_t rows = Cell::kGates * groups_ * group_;
  weights_ = Matrix(rows, 2 * hidden_, {Precision::fp32, 8 * rows * hidden_ > kNearBytes});
  for (Buffer<float>& bias : biases_) bias = Buffer<float>(rows);
  bias_ = Buffer<float>(kGatePanels * groups_ * group_);
  rows_ = Buffer<float>(kRing * width_ * stride_);
  cell_ = Buffer<float>(Cell::kCell ? lanes() * unit_stride_ : 0);
  gates_ = Buffer<float>(team->size() * kLaneBlock * kBatch * kGatePanels * group_);
  if (wide_) {
    gathered_ = Buffer<float>(team->size() * kLaneBlock * stride_);
    results_ = Buffer<float>(lanes() * unit_stride_);
  }
  draw(seed);
  tiles_.resize(static_cast<std::size_t>(team->size()));
  for (int rank = 0; rank < team->size(); ++rank) {
    const Member member{rank, team->size(), team.get()};
    for_each_tile(member, width_, groups_,
                  [&](const Tile& tile) { tiles_[static_cast<std::size_t>(rank)].push_back(tile); });
  }
}

template <typename Cell>
void Recurrent<Cell>::draw(std::int64_t seed) {
  Random random(seed);
  const float bound = 1.0f / std::sqrt(static_cast<float>(hidden_));  // torch's default
  for (std::int64_t gate = 0; gate < Cell::kGates; ++gate) {
    for (std::int64_t unit = 0; unit < hidden_; ++unit) {
      const std::int64_t row = row_of(gate, unit);
      for (std::int64_t k = 0; k < 2 * hidden_; ++k) weights_.set(row, k, random.uniform(bound));
      for (Buffer<float>& bias : biases_) bias[row] = random.uniform(bound);
      const std::int64_t place = unit / group_ * kGatePanels * group_ + gate * group_ + unit % group_;
      bias_[place] = biases_[0][row];
      bias_[gate < Cell::kSummed ? place : place + Cell::kGates * group_] += biases_[1][row];
    }
  }
  for (std::int64_t row = 0; row < kRing * width_; ++row) {
    for (std::int64_t k = 0; k < hidden_; ++k) rows_[row * stride_ + k] = random.uniform(1.0f);
  }
}

// Refuses what would not fit before anything is allocated.
template <typename Cell>
void Recurrent<Cell>::check() const {
  FloatBudget budget;
  budget.add({2, Cell::kGates, groups_ * group_, hidden_ + 3});
  budget.add({kRing, width_, stride_});
  budget.add({Cell::kCell + wide_, lanes(), unit_stride_});
  budget.add({team->size(), kLaneBlock, kBatch * kGatePanels * group_ + wide_ * stride_});
}

template <typename Cell>
void Recurrent<Cell>::begin() {
  if (wide_) return;  // starts from zeros that nothing overwrites
  std::fill_n(cell_.data(), cell_.size(), 0.0f);
  for (std::int64_t lane = 0; lane < width_; ++lane) std::fill_n(rows_at(0) + lane * stride_ + hidden_, hidden_, 0.0f);
}

// `count` groups of units for some lanes, whose rows [x | h] are given; gates is scratch. The gates of a group: a panel
// each, the sums of both products; where some are taken apart, the products with x, and after all groups those with h.
template <typename Cell>
void Recurrent<Cell>::update_groups(std::int64_t group, std::int64_t count, const float* rows, std::int64_t lanes,
                                    float* gates, const Target& target) const {
  const std::int64_t gate_stride = count * kGatePanels * group_;
  float* states = gates + count * Cell::kGates * group_;
  Panels panels = weights_.panels(group * Cell::kGates, (group + count) * Cell::kGates);
  if constexpr (kApart) panels.columns = hidden_;
  loops().linear(panels, rows, stride_, lanes, gates, gate_stride, false);
  if constexpr (kApart) {
    panels.data += hidden_ * group_;
    loops().linear(panels, rows + hidden_, stride_, lanes, states, gate_stride, false);
  }
  const Loops::CellLoop update = Cell::loop();
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t unit = (group + i) * group_;
      const std::int64_t place = lane * gate_stride + i * Cell::kGates * group_;
      update(gates + place, states + place, bias_.data() + unit * kGatePanels, rows + lane * stride_ + hidden_ + unit,
             Cell::kCell ? target.cell + lane * unit_stride_ + unit : nullptr,
             target.hidden + lane * target.hidden_stride + unit);
    }
  }
}

template <typename Cell>
void Recurrent<Cell>::update(std::int64_t index, Member& member) {
  for (const Tile& tile : tiles_[static_cast<std::size_t>(member.rank)]) {
    const std::int64_t lanes = tile.last_lane - tile.first_lane;
    const float* rows = rows_at(index) + tile.first_lane * stride_;
    const Target target{cell_.data() + tile.first_lane * unit_stride_,
                        rows_at(index + 1) + tile.first_lane * stride_ + hidden_, stride_};
    const std::int64_t pieces = tile.last_piece - tile.first_piece;
    for (std::int64_t done = 0; done < pieces; done += batch(lanes)) {
      const std::int64_t count = std::min(batch(lanes), pieces - done);
      // Odd steps walk backwards: what the last step left in the cache is read first.
      const std::int64_t group = index % 2 == 0 ? tile.first_piece + done : tile.last_piece - done - count;
      update_groups(group, count, rows, lanes, gates_of(member.rank), target);
    }
  }
  member.barrier();
}

// Lane t * width + b is step t of lane b. The states before it are zeros: the second half of the gathered rows stays
// so, and each cell is cleared before its update.
template <typename Cell>
void Recurrent<Cell>::update_all(Member& member) {
  float* rows = gathered_.data() + member.rank * kLaneBlock * stride_;
  for_each_tile(member, steps_ * width_, groups_, [&](const Tile& tile) {
    const std::int64_t lanes = tile.last_lane - tile.first_lane;
    const Target target{cell_.data() + tile.first_lane * unit_stride_, results_.data() + tile.first_lane * unit_stride_,
                        unit_stride_};
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const std::int64_t source = (tile.first_lane + lane) % (kRing * width_);
      std::copy_n(rows_.data() + source * stride_, hidden_, rows + lane * stride_);
      if (!Cell::kCell) continue;
      std::fill(target.cell + lane * unit_stride_ + tile.first_piece * group_,
                target.cell + lane * unit_stride_ + tile.last_piece * group_, 0.0f);
    }
    for (std::int64_t group = tile.first_piece; group < tile.last_piece; group += batch(lanes)) {
      update_groups(group, std::min(batch(lanes), tile.last_piece - group), rows, lanes, gates_of(member.rank), target);
    }
  });
}

// [gates * hidden, hidden] of the weights, gate by gate.
template <typename Cell>
py::array_t<float> Recurrent<Cell>::copy_matrix(std::int64_t first_column) const {
  py::array_t<float> result({Cell::kGates * hidden_, hidden_});
  auto to = result.mutable_unchecked<2>();
  for (std::int64_t row = 0; row < Cell::kGates * hidden_; ++row) {
    const std::int64_t from = row_of(row / hidden_, row % hidden_);
    for (std::int64_t k = 0; k < hidden_; ++k) to(row, k) = weights_.at(from, first_column + k);
  }
  return result;
}

template <typename Cell>
py::array_t<float> Recurrent<Cell>::copy_bias(std::int64_t part) const {
  py::array_t<float> result(Cell::kGates * hidden_);
  float* to = result.mutable_data();
  for (std::int64_t row = 0; row < result.size(); ++row) to[row] = biases_[part][row_of(row / hidden_, row % hidden_)];
  return result;
}

template <typename Cell>
py::dict Recurrent<Cell>::weights() const {
  return py::dict(py::arg("weight_ih") = copy_matrix(0), py::arg("weight_hh") = copy_matrix(hidden_),
                  py::arg("bias_ih") = copy_bias(0), py::arg("bias_hh") = copy_bias(1));
}

// A copy [.., columns] of padded rows.
inline py::array_t<float> rows_of(const float* rows, std::int64_t stride, std::vector<py::ssize_t> shape) {
  py::array_t<float> result(shape);
  const std::int64_t columns = shape.back();
  for (std::int64_t row = 0; row < result.size() / columns; ++row) {
    std::copy_n(rows + row * stride, columns, result.mutable_data() + row * columns);
  }
  return result;
}

template <typename Cell>
py::array_t<float> Recurrent<Cell>::inputs() const {
  return rows_of(rows_.data(), stride_, {kRing, width_, hidden_});
}

template <typename Cell>
py::tuple Recurrent<Cell>::state() const {
  std::vector<py::ssize_t> shape{width_, hidden_};
  if (wide_) shape.insert(shape.begin(), steps_);
  const float* row = wide_ ? results_.data() : rows_.data() + steps_ % kRing * width_ * stride_ + hidden_;
  const py::array_t<float> hidden = rows_of(row, wide_ ? unit_stride_ : stride_, shape);
  if constexpr (!Cell::kCell) return py::make_tuple(hidden);
  return py::make_tuple(hidden, rows_of(cell_.data(), unit_stride_, shape));
}

template <typename Cell>
void register_recurrent(py::module_& module, const char* name, const char* doc) {
  using Kernel = Recurrent<Cell>;
  planned_kernel_class<Kernel>(module, name, doc)
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::int64_t, std::int64_t, bool>(),
           py::arg("team").none(false), py::arg("hidden"), py::arg("width"), py::arg("seed"), py::arg("depth"),
           py::arg("wide") = false)
      .def("weights", &Kernel::weights)
      .def("inputs", &Kernel::inputs)
      .def("state", &Kernel::state)
      .def_static("cell", &Kernel::cell, py::arg("gates"), py::arg("before"), py::arg("cell"));
}

}  // namespace serialprof
