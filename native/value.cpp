// SPDX-License-Identifier: Apache-2.0
// Value iteration over a Markov decision process in sparse tables: one step is one Bellman backup of every state.
//
//   V'(s) = max over a of r(s, a) + discount * sum over k of p(s, a, k) V(successor(s, a, k))
//
// Probabilities are whole numbers of 16 bits over their sum, so that tables are small: what binds is the load of each
// successor's value.
// The threads divide the states. Wide form: independent backups of 16 drawn sets of values, which pass the tables
// together, as often as it takes for as many backups as there are steps.
#include <pybind11/numpy.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "random.hpp"
#include "wide.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kWeights = 65535;        // their sum in every row of probabilities
constexpr std::int64_t kCompactStates = 65536;  // as many as 16 bits can name
constexpr std::int64_t kSets = kMdpTile;        // sets of values of the wide form

class Value {
 public:
  Value(std::shared_ptr<Team> members, std::int64_t width, std::int64_t seed, std::int64_t depth, bool wide,
        std::int64_t actions, std::int64_t branching, double discount);

  void plan(std::int64_t steps) { steps_ = steps; }
  void begin();
  void step(std::int64_t index, Member& member);

  bool wide() const { return wide_; }
  std::int64_t depth() const { return depth_; }
  py::dict tables() const;
  py::array_t<float> start() const { return copy(start_); }
  py::array_t<float> values() const { return copy(wide_ ? values_[steps_ > 0] : values_[steps_ % 2]); }

  std::shared_ptr<Team> team;

 private:
  struct Part {
    std::int64_t first, count;
  };

  std::int64_t outcome_bytes() const { return kMdpTile * (mdp_.compact ? 4 : 6); }
  std::int64_t action_bytes() const { return kMdpTile * 4 + mdp_.branching * outcome_bytes(); }
  unsigned char* action_at(std::int64_t state, std::int64_t action) {
    return tiles_.data() + state / kMdpTile * mdp_.tile_bytes + action * action_bytes();
  }
  void draw(std::int64_t seed);
  void draw_outcomes(unsigned char* at, std::int64_t place, Random& random);
  py::array_t<float> copy(const Buffer<float>& values) const;

  std::int64_t width_, depth_, stride_;  // stride: states, in whole tiles
  bool wide_;
  std::int64_t steps_ = 0;
  Mdp mdp_{};
  Buffer<unsigned char> tiles_;
  Buffer<float> start_;      // [stride]; wide: [stride, kSets]
  Buffer<float> values_[2];  // read and written by turns; wide: before and after
  std::vector<Padded<Part>> parts_;
};

Value::Value(std::shared_ptr<Team> members, std::int64_t width, std::int64_t seed, std::int64_t depth, bool wide,
             std::int64_t actions, std::int64_t branching, double discount)
    : team(std::move(members)),
      width_(in_range("width", width, 1, std::int64_t{1} << 31)),
      depth_(in_range("depth", depth, 1, std::int64_t{1} << 40)),
      stride_((width + kMdpTile - 1) / kMdpTile * kMdpTile),
      wide_(wide) {
  mdp_.actions = in_range("actions", actions, 1, 1 << 12);
  mdp_.branching = in_range("branching", branching, 1, 1 << 12);
  require(discount >= 0 && discount < 1, "discount = " + std::to_string(discount) + " lies outside [0, 1)");
  mdp_.scale = static_cast<float>(discount / static_cast<double>(kWeights));
  mdp_.compact = width <= kCompactStates;
  mdp_.tile_bytes = mdp_.actions * action_bytes();
  const std::int64_t sets = wide_ ? kSets : 1;
  require_memory({{"width", width}, {"actions", actions}, {"branching", branching}},
                 static_cast<double>(stride_) * (static_cast<double>(mdp_.tile_bytes) / kMdpTile + 12.0 * sets));
  tiles_ = Buffer<unsigned char>(stride_ / kMdpTile * mdp_.tile_bytes);
  mdp_.tiles = tiles_.data();
  for (Buffer<float>* values : {&start_, &values_[0], &values_[1]}) *values = Buffer<float>(stride_ * sets);
  draw(seed);
  for (int rank = 0; rank < team->size(); ++rank) {
    std::int64_t first, last;
    Member{rank, team->size(), nullptr}.share(stride_, kMdpTile, &first, &last);
    parts_.push_back({Part{first, last - first}});
  }
  begin();
}

// Rewards and values from -1 to 1, any successors. The states that pad lead to state 0 and are led to by none.
void Value::draw(std::int64_t seed) {
  Random random(seed);
  for (std::int64_t state = 0; state < width_; ++state) {
    for (std::int64_t action = 0; action < mdp_.actions; ++action) {
      unsigned char* at = action_at(state, action);
      const float reward = random.uniform(1.0f);
      std::memcpy(at + state % kMdpTile * 4, &reward, 4);
      draw_outcomes(at + kMdpTile * 4, state % kMdpTile, random);
    }
  }
  for (std::int64_t set = 0; set < (wide_ ? kSets : 1); ++set) {
    for (std::int64_t state = 0; state < width_; ++state) {
      start_[wide_ ? state * kSets + set : state] = random.uniform(1.0f);
    }
  }
}

// Cuts of [0, kWeights] at random: each weight is what is left times a draw, the last one all that is left.
void Value::draw_outcomes(unsigned char* at, std::int64_t place, Random& random) {
  std::int64_t left = kWeights;
  for (std::int64_t k = 0; k < mdp_.branching; ++k, at += outcome_bytes()) {
    const bool last = k + 1 == mdp_.branching;
    const auto weight = static_cast<std::uint16_t>(last ? left : random.below(2 * left / (mdp_.branching - k) + 1));
    left -= weight;
    std::memcpy(at + place * 2, &weight, 2);
    const auto successor = static_cast<std::uint32_t>(random.below(width_));
    const auto compact = static_cast<std::uint16_t>(successor);
    unsigned char* to = at + kMdpTile * 2;
    if (mdp_.compact) {
      std::memcpy(to + place * 2, &compact, 2);
    } else {
      std::memcpy(to + place * 4, &successor, 4);
    }
  }
}

void Value::begin() { std::copy_n(start_.data(), start_.size(), values_[0].data()); }

void Value::step(std::int64_t index, Member& member) {
  const Part& part = parts_[static_cast<std::size_t>(member.rank)].value;
  if (wide_) {
    for (std::int64_t done = 0; done < steps_; done += kSets) {
      loops().backup_many(mdp_, values_[0].data(), values_[1].data(), part.first, part.count);
    }
    return;
  }
  loops().backup(mdp_, values_[index & 1].data(), values_[(index + 1) & 1].data(), part.first, part.count);
  if (member.size > 1) member.barrier();
}

py::dict Value::tables() const {
  py::array_t<float> rewards({width_, mdp_.actions});
  py::array_t<double> probabilities({width_, mdp_.actions, mdp_.branching});
  py::array_t<std::int32_t> successors({width_, mdp_.actions, mdp_.branching});
  auto reward = rewards.mutable_unchecked<2>();
  auto probability = probabilities.mutable_unchecked<3>();
  auto successor = successors.mutable_unchecked<3>();
  for (std::int64_t state = 0; state < width_; ++state) {
    const std::int64_t place = state % kMdpTile;
    for (std::int64_t action = 0; action < mdp_.actions; ++action) {
      const unsigned char* at = tiles_.data() + state / kMdpTile * mdp_.tile_bytes + action * action_bytes();
      std::memcpy(&reward(state, action), at + place * 4, 4);
      at += kMdpTile * 4;
      for (std::int64_t k = 0; k < mdp_.branching; ++k, at += outcome_bytes()) {
        std::uint16_t weight;
        std::memcpy(&weight, at + place * 2, 2);
        probability(state, action, k) = static_cast<double>(weight) / static_cast<double>(kWeights);
        successor(state, action, k) = 0;
        const std::int64_t bytes = mdp_.compact ? 2 : 4;
        std::memcpy(&successor(state, action, k), at + kMdpTile * 2 + place * bytes, static_cast<std::size_t>(bytes));
      }
    }
  }
  py::dict result;
  result["rewards"] = rewards;
  result["probabilities"] = probabilities;
  result["successors"] = successors;
  return result;
}

py::array_t<float> Value::copy(const Buffer<float>& values) const {
  std::vector<py::ssize_t> shape{width_};
  if (wide_) shape.push_back(kSets);
  py::array_t<float> result(shape);
  std::copy_n(values.data(), result.size(), result.mutable_data());
  return result;
}

}  // namespace

void register_value(py::module_& module) {
  planned_kernel_class<Value>(module, "Value", "Value iteration; one step is one Bellman backup of `width` states.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::int64_t, bool, std::int64_t, std::int64_t,
                    double>(),
           py::arg("team").none(false), py::arg("width"), py::arg("seed"), py::arg("depth"), py::arg("wide") = false,
           py::arg("actions") = 4, py::arg("branching") = 4, py::arg("discount") = 0.95)
      .def("tables", &Value::tables)
      .def("start", &Value::start)
      .def("values", &Value::values);
}

}  // namespace serialprof
