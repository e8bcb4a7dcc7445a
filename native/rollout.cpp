// SPDX-License-Identifier: Apache-2.0
// Model-based rollouts: a world model in tables, a greedy policy. One step takes every rollout to its next state: look
// up the preferred action, draw one of its outcomes, add its reward to the return.
//
// Draws come from a counter (lane, step), so they are the same in any order, and all numbers are integers. Rollouts
// never wait for each other: the threads divide them, without a barrier.
// Wide form: a model-free pass. As many transitions, but each starts from a state that is drawn, not from where the one
// before it led: depth 1.
#include <pybind11/numpy.h>

#include <algorithm>
#include <vector>

#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "random.hpp"
#include "wide.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kLaneGrain = 16;  // of 4 bytes: a cache line
constexpr std::int32_t kLargestReward = 1000;
constexpr std::int64_t kPreferences = (std::int64_t{1} << 31) / kMostActions;

class Rollout {
 public:
  Rollout(std::shared_ptr<Team> members, std::int64_t width, std::int64_t seed, std::int64_t depth, bool wide,
          std::int64_t states, std::int64_t actions, std::int64_t branching);

  void plan(std::int64_t steps) { steps_ = steps; }
  void begin();
  void step(std::int64_t index, Member& member);

  bool wide() const { return wide_; }
  std::int64_t depth() const { return depth_; }
  py::dict tables() const;
  py::array_t<std::int32_t> states() const;
  py::array_t<std::int64_t> returns() const;
  py::list keys(std::int64_t steps) const;

  std::shared_ptr<Team> team;

 private:
  struct Part {  // lanes in the serial form
    std::int64_t first, last;
  };

  std::uint32_t key(std::int64_t step) const {
    return static_cast<std::uint32_t>(mix(key_ + static_cast<std::uint64_t>(step)));
  }
  std::int64_t row() const { return 1 + world_.branching; }

  const Loops& loops_ = loops();  // a step is short: it should not ask every time
  std::int64_t width_, depth_, stride_;
  bool wide_;
  std::int64_t steps_ = 0;
  std::uint64_t key_;
  World world_{};
  Buffer<std::int32_t> ranks_, outcomes_;
  Buffer<std::int32_t> states_;   // [copies, stride]; wide: one copy per thread, since each takes some of the steps
  Buffer<std::int64_t> returns_;  // [copies, stride]
  std::vector<Padded<Part>> parts_;
};

Rollout::Rollout(std::shared_ptr<Team> members, std::int64_t width, std::int64_t seed, std::int64_t depth, bool wide,
                 std::int64_t states, std::int64_t actions, std::int64_t branching)
    : team(std::move(members)),
      width_(in_range("width", width, 1, std::int64_t{1} << 32)),
      depth_(in_range("depth", depth, 1, std::int64_t{1} << 40)),
      stride_((width + kLaneGrain - 1) / kLaneGrain * kLaneGrain),
      wide_(wide),
      key_(mix(static_cast<std::uint64_t>(seed))) {
  world_.states = in_range("states", states, 1, (std::int64_t{1} << 31) - 1);
  world_.actions = in_range("actions", actions, 1, kMostActions);
  world_.branching = in_range("branching", branching, 1, 1 << 12);
  const std::int64_t copies = wide_ ? team->size() : 1;
  FloatBudget budget({{"width", width}, {"states", states}, {"actions", actions}, {"branching", branching}});
  budget.add({states, actions, row() + 1});
  budget.add({3, copies, stride_});
  ranks_ = Buffer<std::int32_t>(states * actions);
  outcomes_ = Buffer<std::int32_t>(states * actions * row());
  states_ = Buffer<std::int32_t>(copies * stride_);
  returns_ = Buffer<std::int64_t>(copies * stride_);
  world_.ranks = ranks_.data();
  world_.outcomes = outcomes_.data();

  Random random(seed);
  for (std::int64_t at = 0; at < ranks_.size(); ++at) {
    ranks_[at] = static_cast<std::int32_t>((random.below(kPreferences) + 1) * kMostActions - 1 - at % actions);
  }
  for (std::int64_t at = 0; at < outcomes_.size(); ++at) {
    outcomes_[at] = static_cast<std::int32_t>(at % row() == 0 ? random.below(2 * kLargestReward + 1) - kLargestReward
                                                              : random.below(states));
  }
  for (int rank = 0; rank < team->size(); ++rank) {
    Part part;
    Member{rank, team->size(), nullptr}.share(width_, kLaneGrain, &part.first, &part.last);
    parts_.push_back({part});
  }
  begin();
}

// Rollout i starts in state i modulo the states.
void Rollout::begin() {
  std::fill_n(returns_.data(), returns_.size(), std::int64_t{0});
  for (std::int64_t at = 0; at < states_.size(); ++at) {
    states_[at] = static_cast<std::int32_t>(at % stride_ % world_.states);
  }
}

void Rollout::step(std::int64_t index, Member& member) {
  if (!wide_) {
    const Part& part = parts_[static_cast<std::size_t>(member.rank)].value;
    loops_.rollout(world_, states_.data(), returns_.data(), part.first, part.last, key(index), false);
    return;
  }
  std::int64_t first, last;
  member.share(steps_, 1, &first, &last);
  const std::int64_t mine = member.rank * stride_;
  for (std::int64_t step = first; step < last; ++step) {
    loops_.rollout(world_, states_.data() + mine, returns_.data() + mine, 0, width_, key(step), true);
  }
}

py::dict Rollout::tables() const {
  const std::int64_t rows = world_.states * world_.actions;
  py::array_t<std::int32_t> preferences({world_.states, world_.actions});
  py::array_t<std::int32_t> rewards({world_.states, world_.actions});
  py::array_t<std::int32_t> successors({world_.states, world_.actions, world_.branching});
  for (std::int64_t at = 0; at < rows; ++at) {
    preferences.mutable_data()[at] = ranks_[at] / kMostActions;
    rewards.mutable_data()[at] = outcomes_[at * row()];
    std::copy_n(outcomes_.data() + at * row() + 1, world_.branching, successors.mutable_data() + at * world_.branching);
  }
  py::dict result;
  result["preferences"] = preferences;
  result["rewards"] = rewards;
  result["successors"] = successors;
  return result;
}

py::array_t<std::int32_t> Rollout::states() const {
  require(!wide_, "states: the transitions of the wide form lead nowhere");
  py::array_t<std::int32_t> result(width_);
  std::copy_n(states_.data(), width_, result.mutable_data());
  return result;
}

py::array_t<std::int64_t> Rollout::returns() const {
  py::array_t<std::int64_t> result(width_);
  std::fill_n(result.mutable_data(), width_, std::int64_t{0});
  for (std::int64_t at = 0; at < returns_.size(); ++at) {
    if (at % stride_ < width_) result.mutable_data()[at % stride_] += returns_[at];
  }
  return result;
}

py::list Rollout::keys(std::int64_t steps) const {
  in_range("steps", steps, 0, depth_);
  require_memory("steps", steps, 40.0 * static_cast<double>(steps));  // bytes of a number in a list
  py::list result;
  for (std::int64_t step = 0; step < steps; ++step) result.append(key(step));
  return result;
}

}  // namespace

void register_rollout(py::module_& module) {
  planned_kernel_class<Rollout>(module, "Rollout", "Greedy rollouts through a world model in tables.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::int64_t, bool, std::int64_t, std::int64_t,
                    std::int64_t>(),
           py::arg("team").none(false), py::arg("width"), py::arg("seed"), py::arg("depth"), py::arg("wide") = false,
           py::arg("states") = 4096, py::arg("actions") = 4, py::arg("branching") = 4)
      .def("tables", &Rollout::tables)
      .def("states", &Rollout::states)
      .def("returns", &Rollout::returns)
      .def("keys", &Rollout::keys, py::arg("steps"));
}

}  // namespace serialprof
