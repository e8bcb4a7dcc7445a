// SPDX-License-Identifier: Apache-2.0
// A linear recurrence per channel, as state-space models have it: one step updates all channels from one row of inputs.
//
//   linear     h <- a_t h + b_t
//   selective  h_n <- exp(delta_t A_n) h_n + delta_t B_t,n x_t,  y_t = sum over n of C_t,n h_n   (Gu and Dao, "Mamba",
//              arXiv 2312.00752, with the simplified discretisation of B that its code uses)
//
// Rows of inputs follow each other in memory, `ring` of them; step t reads row t % ring. The threads divide the
// channels, which never wait for each other, so there is no barrier.
//
// Wide form: the associative scan in chunks of the steps. First every chunk runs from zero and gathers its decay, then
// the chunks' ends are carried on one after the other, then every chunk runs again from its true start and keeps every
// row. About sqrt(steps) chunks: a chain of 3 sqrt(steps) instead of steps, for about twice the arithmetic.
#include <pybind11/numpy.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "random.hpp"
#include "wide.hpp"

namespace serialprof {

namespace {

class Scan {
 public:
  Scan(std::shared_ptr<Team> the_team, std::int64_t width, std::int64_t seed, std::int64_t depth, bool wide,
       std::int64_t states, std::int64_t ring);

  void plan(std::int64_t steps);
  void begin();
  void step(std::int64_t, Member& member) {
    if (wide_) {
      scan_chunks(member);
    } else {
      advance(parts_[static_cast<std::size_t>(member.rank)].value);
    }
  }

  bool wide() const { return wide_; }
  std::int64_t depth() const { return depth_; }
  py::dict inputs() const;
  py::array_t<float> result() const;

  std::shared_ptr<Team> team;

 private:
  struct Part {  // what a thread owns: channels [first, first + count), and where it stands in the ring
    std::int64_t first, count;
    const float* row;
  };

  bool selective() const { return states_ > 0; }
  std::int64_t per_row() const { return 2 * stride_ + 2 * padded_states_; }
  std::int64_t state_size() const { return stride_ * std::max<std::int64_t>(states_, 1); }
  const float* row_of(std::int64_t step) const { return rows_.data() + step % ring_ * row_size_; }
  void check() const;
  void draw(std::int64_t seed);
  SelectiveStep selective_step(const float* row, float* y) const {
    const float* shared = row + 2 * stride_;
    return {row + stride_, row, shared, shared + padded_states_, rates_.data(), y, states_};
  }
  void advance(Part& part);
  void scan_chunks(Member& member);
  void gather(std::int64_t chunk);
  void carry(std::int64_t first, std::int64_t count);
  void replay(std::int64_t chunk);
  std::int64_t first_step(std::int64_t chunk) const { return steps_ * chunk / chunks_; }
  py::array_t<float> copy(const float* from, std::int64_t stride, std::vector<py::ssize_t> shape) const;

  const Loops& loops_ = loops();  // a step is short: it should not ask every time
  std::int64_t width_, depth_, states_, ring_;
  bool wide_;
  std::int64_t stride_;         // channels, in whole tiles
  std::int64_t padded_states_;  // of the rows' shared part
  std::int64_t row_size_;       // floats
  const float* last_row_;
  std::int64_t steps_ = 0;
  std::int64_t chunks_ = 0;
  std::vector<Padded<Part>> parts_;
  Buffer<float> rows_;   // [ring, row_size]: linear a | b; selective delta | x | B | C
  Buffer<float> rates_;  // selective: A, in tiles
  Buffer<float> state_;  // serial: h; wide: per chunk, h at its end from zero, then from the true start
  Buffer<float> start_;  // wide: per chunk, h before it
  Buffer<float> decay_;  // wide: per chunk and channel, the product of a; selective: delta | zeros, as a row has them
  Buffer<float> kept_;   // linear, wide: [depth, stride], every h; selective: every y, in the serial form the last one
};

std::int64_t chunk_count(std::int64_t steps) {
  return static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(steps))));
}

std::int64_t tiled(std::int64_t count) { return (count + kScanTile - 1) / kScanTile * kScanTile; }

Scan::Scan(std::shared_ptr<Team> the_team, std::int64_t width, std::int64_t seed, std::int64_t depth, bool wide,
           std::int64_t states, std::int64_t ring)
    : team(std::move(the_team)),
      width_(in_range("width", width, 1, std::int64_t{1} << 40)),
      depth_(in_range("depth", depth, 1, std::int64_t{1} << 40)),
      states_(in_range("states", states, 0, 1 << 12)),
      ring_(in_range("ring", ring, 1, std::int64_t{1} << 32)),
      wide_(wide),
      stride_(tiled(width)),
      padded_states_(tiled(states)),
      row_size_(per_row()) {
  check();
  rows_ = Buffer<float>(ring_ * row_size_);
  const std::int64_t copies = wide_ ? chunk_count(depth_) : 1;
  state_ = Buffer<float>(copies * state_size());
  if (wide_) {
    start_ = Buffer<float>(copies * state_size());
    decay_ = Buffer<float>(copies * row_size_);
  }
  if (wide_ || selective()) kept_ = Buffer<float>((wide_ ? depth_ : 1) * stride_);
  last_row_ = rows_.data() + (ring_ - 1) * row_size_;
  draw(seed);
  for (int rank = 0; rank < team->size(); ++rank) {
    std::int64_t first, last;
    Member{rank, team->size(), nullptr}.share(stride_, kScanTile, &first, &last);
    parts_.push_back({Part{first, last - first, rows_.data()}});
  }
}

// Refuses what would not fit before anything is allocated.
void Scan::check() const {
  const std::int64_t copies = wide_ ? chunk_count(depth_) : 1;
  FloatBudget budget({{"width", width_}, {"depth", depth_}, {"states", states_}, {"ring", ring_}});
  budget.add({ring_, row_size_});
  budget.add({1 + 2 * copies, state_size()});
  if (wide_) budget.add({copies, row_size_});
  budget.add({wide_ ? depth_ : 1, stride_});
}

// Decays from 0.1 to 0.9, inputs from -1 to 1, delta from 0.01 to 0.1, rates A_n = -(n + 1) for every channel
// (S4D-real).
void Scan::draw(std::int64_t seed) {
  Random random(seed);
  for (std::int64_t step = 0; step < ring_; ++step) {
    float* row = rows_.data() + step * row_size_;
    for (std::int64_t c = 0; c < width_; ++c) {
      row[c] = selective() ? 0.055f + random.uniform(0.045f) : 0.5f + random.uniform(0.4f);
    }
    for (std::int64_t c = 0; c < width_; ++c) row[stride_ + c] = random.uniform(1.0f);
    for (std::int64_t part = 0; part < 2; ++part) {
      float* shared = row + 2 * stride_ + part * padded_states_;
      for (std::int64_t n = 0; n < states_; ++n) shared[n] = random.uniform(1.0f);
    }
  }
  if (!selective()) return;
  rates_ = Buffer<float>(state_size());
  for (std::int64_t at = 0; at < state_size(); ++at) {
    rates_[at] = -static_cast<float>(at / kScanTile % states_ + 1);
  }
}

void Scan::plan(std::int64_t steps) {
  steps_ = steps;
  chunks_ = chunk_count(steps);
}

void Scan::begin() {
  for (Padded<Part>& part : parts_) part.value.row = rows_.data();
  std::fill_n(state_.data(), wide_ ? chunks_ * state_size() : state_.size(), 0.0f);
  if (!wide_ && selective()) std::fill_n(kept_.data(), kept_.size(), 0.0f);
}

void Scan::advance(Part& part) {
  const float* row = part.row;
  if (selective()) {
    loops_.scan_selective(selective_step(row, kept_.data()), state_.data(), state_.data(), part.first, part.count);
  } else {
    float* h = state_.data() + part.first;
    loops_.scan_linear(row + part.first, row + stride_ + part.first, h, h, part.count);
  }
  part.row = row == last_row_ ? rows_.data() : row + row_size_;
}

void Scan::scan_chunks(Member& member) {
  std::int64_t first, last;
  member.share(chunks_, 1, &first, &last);
  for (std::int64_t chunk = first; chunk < last; ++chunk) gather(chunk);
  member.barrier();
  const Part& part = parts_[static_cast<std::size_t>(member.rank)].value;
  carry(part.first, part.count);
  member.barrier();
  for (std::int64_t chunk = first; chunk < last; ++chunk) replay(chunk);
}

// Runs a chunk from zero: its end, and what becomes of a state over the whole of it. exp(delta_1 A) exp(delta_2 A) =
// exp((delta_1 + delta_2) A), so of the selective form the sum of delta is enough.
void Scan::gather(std::int64_t chunk) {
  float* h = state_.data() + chunk * state_size();
  float* decay = decay_.data() + chunk * row_size_;
  std::fill_n(decay, stride_, selective() ? 0.0f : 1.0f);
  for (std::int64_t step = first_step(chunk); step < first_step(chunk + 1); ++step) {
    const float* row = row_of(step);
    if (selective()) {
      loops().scan_selective(selective_step(row, kept_.data() + step * stride_), h, h, 0, stride_);
      for (std::int64_t c = 0; c < stride_; ++c) decay[c] += row[c];
    } else {
      loops().scan_linear(row, row + stride_, h, h, stride_);
      for (std::int64_t c = 0; c < stride_; ++c) decay[c] *= row[c];
    }
  }
}

// Start of chunk k + 1 = decay of k times start of k + end of k from zero.
void Scan::carry(std::int64_t first, std::int64_t count) {
  const std::int64_t scale = std::max<std::int64_t>(states_, 1);
  std::fill_n(start_.data() + first * scale, count * scale, 0.0f);
  for (std::int64_t chunk = 0; chunk + 1 < chunks_; ++chunk) {
    const float* from = start_.data() + chunk * state_size();
    const float* end = state_.data() + chunk * state_size();
    float* to = start_.data() + (chunk + 1) * state_size();
    float* row = decay_.data() + chunk * row_size_;
    if (selective()) {  // a row whose x, B and C are zeros; its y goes where nothing is read
      loops().scan_selective(selective_step(row, row + stride_), from, to, first, count);
      for (std::int64_t at = first * scale; at < (first + count) * scale; ++at) to[at] += end[at];
    } else {
      loops().scan_linear(row + first, end + first, from + first, to + first, count);
    }
  }
}

void Scan::replay(std::int64_t chunk) {
  float* start = start_.data() + chunk * state_size();
  const float* before = start;
  for (std::int64_t step = first_step(chunk); step < first_step(chunk + 1); ++step) {
    const float* row = row_of(step);
    float* kept = kept_.data() + step * stride_;
    if (selective()) {
      loops().scan_selective(selective_step(row, kept), start, start, 0, stride_);
    } else {
      loops().scan_linear(row, row + stride_, before, kept, stride_);
      before = kept;
    }
  }
}

py::array_t<float> Scan::copy(const float* from, std::int64_t stride, std::vector<py::ssize_t> shape) const {
  py::array_t<float> result(shape);
  const std::int64_t columns = shape.back();
  for (std::int64_t row = 0; columns > 0 && row < result.size() / columns; ++row) {
    std::copy_n(from + row * stride, columns, result.mutable_data() + row * columns);
  }
  return result;
}

py::dict Scan::inputs() const {
  py::dict result;
  result[selective() ? "delta" : "a"] = copy(rows_.data(), row_size_, {ring_, width_});
  result[selective() ? "x" : "b"] = copy(rows_.data() + stride_, row_size_, {ring_, width_});
  if (!selective()) return result;
  result["B"] = copy(rows_.data() + 2 * stride_, row_size_, {ring_, states_});
  result["C"] = copy(rows_.data() + 2 * stride_ + padded_states_, row_size_, {ring_, states_});
  py::array_t<float> rates(states_);
  for (std::int64_t n = 0; n < states_; ++n) rates.mutable_data()[n] = rates_[n * kScanTile];
  result["A"] = rates;
  return result;
}

py::array_t<float> Scan::result() const {
  if (wide_) return copy(kept_.data(), stride_, {steps_, width_});
  return copy(selective() ? kept_.data() : state_.data(), stride_, {width_});
}

}  // namespace

void register_scan(py::module_& module) {
  planned_kernel_class<Scan>(module, "Scan", "A linear recurrence in every channel; one step reads one row of inputs.")
      .def(
          py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::int64_t, bool, std::int64_t, std::int64_t>(),
          py::arg("team").none(false), py::arg("width"), py::arg("seed"), py::arg("depth"), py::arg("wide") = false,
          py::arg("states") = 0, py::arg("ring") = 64)
      .def("inputs", &Scan::inputs)
      .def("result", &Scan::result);
}

}  // namespace serialprof
