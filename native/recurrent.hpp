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
// The threads divide the hidden units. A piece is a group of them (cellweights.hpp), whose cells follow at once from
// its gates, so that the only barrier is the one that ends the step. With `ahead` above 1, every step that begins a
// block of so many projects all their inputs (projection.hpp), each thread for its own units; else each step projects
// its own. Both add in the same order: the states are the same to the bit. Wide form: `steps` independent updates from
// the zero state with the same inputs, all as lanes of one product.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <vector>

#include "cellweights.hpp"
#include "inputring.hpp"
#include "matrix.hpp"
#include "onecell.hpp"
#include "projection.hpp"
#include "random.hpp"
#include "wide.hpp"

namespace serialprof {

template <typename Cell>
class Recurrent {
 public:
  Recurrent(std::shared_ptr<Team> the_team, std::int64_t hidden, std::int64_t width, std::int64_t seed,
            std::int64_t depth, bool wide, std::int64_t ahead);

  void plan(std::int64_t steps) { steps_ = steps; }
  void begin();
  void step(std::int64_t index, Member& member) { wide_ ? update_all(member) : update(index, member); }

  bool wide() const { return wide_; }
  std::int64_t depth() const { return depth_; }
  py::dict weights() const { return weights_.copy(); }
  py::array_t<float> inputs() const { return inputs_.copy(); }
  py::tuple state() const;
  static py::tuple cell(const py::array& gates, const py::array& before, const py::array& c) {
    return update_units(Cell::loop(), Cell::kGates, Weights::kBiasPanels, gates, before, c);
  }

  std::shared_ptr<Team> team;

 private:
  using Weights = CellWeights<Cell>;
  static constexpr std::int64_t kBatch = 4;  // the most groups that are multiplied together

  // Some lanes and groups, and where their states are: rows of unit_stride_ that begin with the first of the lanes.
  struct Part {
    std::int64_t group, count;  // groups
    std::int64_t lanes;
    const float* before;
    std::int64_t before_stride;
    float* cell;
    float* hidden;
  };

  // What a thread updates in every step.
  struct Share {
    Tile tile;
    std::vector<Projection> projection;  // one where inputs are projected ahead
  };

  // Of a thread.
  struct Scratch {
    Buffer<float> gates;     // [kLaneBlock, gates of a batch]
    Buffer<float> states;    // the same where the cell takes the products apart
    Buffer<float> gathered;  // inputs of a block of lanes
  };

  void check() const;
  void divide();
  void update(std::int64_t index, Member& member);
  void update_all(Member& member);
  GateRows project(const Part& part, const float* inputs, Scratch& scratch) const;
  void update_groups(const Part& part, const GateRows& gates, Scratch& scratch) const;
  std::int64_t batch(std::int64_t lanes) const;
  std::int64_t lanes() const { return wide_ ? product({depth_, width_}) : width_; }
  float* hidden_at(std::int64_t index) { return states_.data() + index % 2 * width_ * unit_stride_; }

  std::int64_t hidden_, width_, depth_;
  bool wide_;
  std::int64_t ahead_;
  std::int64_t steps_ = 0;
  std::int64_t group_, groups_;  // units in a group; groups
  std::int64_t unit_stride_;     // of rows of states
  Weights weights_;
  InputRing inputs_;
  Buffer<float> states_;  // hidden: [2 * width, unit_stride], step by step in turn; wide: [lanes, unit_stride]
  Buffer<float> cell_;    // [lanes, unit_stride]
  Buffer<float> zeros_;   // wide: the row of states before each update
  std::vector<Scratch> scratch_;
  std::vector<std::vector<Share>> shares_;  // serial: of each thread
};

template <typename Cell>
Recurrent<Cell>::Recurrent(std::shared_ptr<Team> the_team, std::int64_t hidden, std::int64_t width, std::int64_t seed,
                           std::int64_t depth, bool wide, std::int64_t ahead)
    : team(std::move(the_team)),
      hidden_(in_range("hidden", hidden, 1, 1 << 14)),
      width_(in_range("width", width, 1, 1 << 20)),
      depth_(in_range("depth", depth, 1, std::int64_t{1} << 40)),
      wide_(wide),
      ahead_(std::min(in_range("ahead", ahead, 1, std::int64_t{1} << 40), wide ? 1 : depth)),
      group_(loops().panel_rows),
      groups_(round_up(hidden, group_) / group_),
      unit_stride_(row_stride(hidden)) {
  check();
  Random random(seed);
  weights_ = Weights(hidden_, product({lanes(), ahead_}), lanes(), random);
  inputs_ = InputRing(hidden_, width_, random);
  states_ = Buffer<float>((wide_ ? lanes() : 2 * width_) * unit_stride_);
  cell_ = Buffer<float>(Cell::kCell ? lanes() * unit_stride_ : 0);
  zeros_ = Buffer<float>(wide_ ? unit_stride_ : 0);
  divide();
}

// Refuses what would not fit before anything is allocated.
template <typename Cell>
void Recurrent<Cell>::check() const {
  FloatBudget budget({{"hidden", hidden_}, {"width", width_}, {"depth", depth_}, {"ahead", ahead_}});
  const std::int64_t gates = Cell::kGates * group_;
  budget.add({2, gates, groups_, hidden_ + 3});
  budget.add({InputRing::kSteps + 2, width_, unit_stride_});
  budget.add({Cell::kCell + wide_, lanes(), unit_stride_});
  budget.add({team->size(), kLaneBlock, 2 * kBatch * gates + unit_stride_});
  if (ahead_ > 1) {  // each thread's rows are padded
    const std::int64_t padding = row_stride(1) * std::min<std::int64_t>(team->size(), groups_);
    budget.add({ahead_, width_, gates * groups_ + padding});
  }
}

// Cuts the step into shares of the threads.
template <typename Cell>
void Recurrent<Cell>::divide() {
  const std::int64_t gates = kLaneBlock * kBatch * Cell::kGates * group_;
  for (int rank = 0; rank < team->size(); ++rank) {
    scratch_.push_back({Buffer<float>(gates), Buffer<float>(Weights::kApart ? gates : 0),
                        Buffer<float>(wide_ || ahead_ > 1 ? kLaneBlock * unit_stride_ : 0)});
    shares_.emplace_back();
    const Member member{rank, team->size(), team.get()};
    for_each_tile(member, width_, groups_, [&](const Tile& tile) {
      Share share{tile, {}};
      const Tile panels{tile.first_lane, tile.last_lane, tile.first_piece * Cell::kGates,
                        tile.last_piece * Cell::kGates};
      if (ahead_ > 1) share.projection.emplace_back(panels, ahead_);
      shares_.back().push_back(std::move(share));
    });
  }
}

template <typename Cell>
void Recurrent<Cell>::begin() {
  if (wide_) return;  // starts from zeros that nothing overwrites
  std::fill_n(cell_.data(), cell_.size(), 0.0f);
  std::fill_n(hidden_at(0), width_ * unit_stride_, 0.0f);
}

// Groups multiplied together. Where lanes are few or gates are, their panels are the independent sums of the product,
// and their cells, which mostly wait, overlap. The gates of one lane are sums enough: there few groups let the cells
// overlap with the next product, and more of what the last step left in the near caches is met; two where each product
// changes the matrix.
template <typename Cell>
std::int64_t Recurrent<Cell>::batch(std::int64_t lanes) const {
  if (Cell::kGates == 1 || lanes == 2 || lanes == 3) return kBatch;
  return lanes == 1 && ahead_ == 1 ? 2 : 1;
}

// The gates' products with the inputs of the lanes, whose rows are given.
template <typename Cell>
GateRows Recurrent<Cell>::project(const Part& part, const float* inputs, Scratch& scratch) const {
  const GateRows gates{scratch.gates.data(), part.count * Cell::kGates * group_};
  weights_.of_input().multiply(part.group * Cell::kGates, (part.group + part.count) * Cell::kGates, inputs,
                               inputs_.stride(), part.lanes, gates.data, gates.stride, false);
  return gates;
}

// gates: the products with the inputs, to which those with the states are added unless the cell takes them apart.
template <typename Cell>
void Recurrent<Cell>::update_groups(const Part& part, const GateRows& gates, Scratch& scratch) const {
  constexpr bool kApart = Weights::kApart;
  const GateRows states = kApart ? GateRows{scratch.states.data(), part.count * Cell::kGates * group_} : gates;
  weights_.of_state().multiply(part.group * Cell::kGates, (part.group + part.count) * Cell::kGates, part.before,
                               part.before_stride, part.lanes, states.data, states.stride, !kApart);
  const Loops::CellLoop update_cell = Cell::loop();
  for (std::int64_t lane = 0; lane < part.lanes; ++lane) {
    for (std::int64_t i = 0; i < part.count; ++i) {
      const std::int64_t place = i * Cell::kGates * group_;
      const std::int64_t unit = lane * unit_stride_ + (part.group + i) * group_;
      update_cell(gates.data + lane * gates.stride + place, states.data + lane * states.stride + place,
                  weights_.bias(part.group + i), part.before + lane * part.before_stride + (part.group + i) * group_,
                  Cell::kCell ? part.cell + unit : nullptr, part.hidden + unit);
    }
  }
}

template <typename Cell>
void Recurrent<Cell>::update(std::int64_t index, Member& member) {
  Scratch& scratch = scratch_[static_cast<std::size_t>(member.rank)];
  for (Share& share : shares_[static_cast<std::size_t>(member.rank)]) {
    const Tile& tile = share.tile;
    const std::int64_t row = tile.first_lane * unit_stride_;
    Part part{0,
              0,
              tile.last_lane - tile.first_lane,
              hidden_at(index) + row,
              unit_stride_,
              cell_.data() + row,
              hidden_at(index + 1) + row};
    if (ahead_ > 1 && index % ahead_ == 0) {
      const std::int64_t steps = std::min(ahead_, steps_ - index);
      share.projection[0].make(weights_.of_input(), inputs_, index, steps, scratch.gathered.data());
    }
    const std::int64_t pieces = tile.last_piece - tile.first_piece;
    for (std::int64_t done = 0; done < pieces; done += part.count) {
      part.count = std::min(batch(part.lanes), pieces - done);
      // Odd steps walk backwards: what the last step left in the cache is read first.
      part.group = index % 2 == 0 ? tile.first_piece + done : tile.last_piece - done - part.count;
      update_groups(part,
                    ahead_ > 1 ? share.projection[0].at(index % ahead_, part.group * Cell::kGates)
                               : project(part, inputs_.row(index, tile.first_lane), scratch),
                    scratch);
    }
  }
  member.barrier();
}

// Lane t * width + b is step t of lane b. Each cell is cleared before its update.
template <typename Cell>
void Recurrent<Cell>::update_all(Member& member) {
  Scratch& scratch = scratch_[static_cast<std::size_t>(member.rank)];
  for_each_tile(member, steps_ * width_, groups_, [&](const Tile& tile) {
    const std::int64_t row = tile.first_lane * unit_stride_;
    Part part{0, 0, tile.last_lane - tile.first_lane, zeros_.data(), 0, cell_.data() + row, states_.data() + row};
    inputs_.gather({0, 0, width_}, tile.first_lane, part.lanes, scratch.gathered.data());
    for (std::int64_t lane = 0; Cell::kCell && lane < part.lanes; ++lane) {
      float* cells = part.cell + lane * unit_stride_;
      std::fill(cells + tile.first_piece * group_, cells + tile.last_piece * group_, 0.0f);
    }
    for (part.group = tile.first_piece; part.group < tile.last_piece; part.group += part.count) {
      part.count = std::min(batch(part.lanes), tile.last_piece - part.group);
      update_groups(part, project(part, scratch.gathered.data(), scratch), scratch);
    }
  });
}

template <typename Cell>
py::tuple Recurrent<Cell>::state() const {
  std::vector<py::ssize_t> shape{width_, hidden_};
  if (wide_) shape.insert(shape.begin(), steps_);
  const float* row = states_.data() + (wide_ ? 0 : steps_ % 2 * width_ * unit_stride_);
  const py::array_t<float> hidden = rows_of(row, unit_stride_, shape);
  if constexpr (!Cell::kCell) return py::make_tuple(hidden);
  return py::make_tuple(hidden, rows_of(cell_.data(), unit_stride_, shape));
}

template <typename Cell>
void register_recurrent(py::module_& module, const char* name, const char* doc) {
  using Kernel = Recurrent<Cell>;
  planned_kernel_class<Kernel>(module, name, doc)
      .def(
          py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::int64_t, std::int64_t, bool, std::int64_t>(),
          py::arg("team").none(false), py::arg("hidden"), py::arg("width"), py::arg("seed"), py::arg("depth"),
          py::arg("wide") = false, py::arg("ahead") = 1)
      .def("weights", &Kernel::weights)
      .def("inputs", &Kernel::inputs)
      .def("state", &Kernel::state)
      .def_static("cell", &Kernel::cell, py::arg("gates"), py::arg("before"), py::arg("cell"));
}

}  // namespace serialprof
