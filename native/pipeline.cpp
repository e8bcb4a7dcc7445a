// SPDX-License-Identifier: Apache-2.0
// A host that submits steps to devices and does not wait for them: a loop whose slack is known by construction.
//
// Rank 0 is the host: host_ops dependent multiplies, then it submits the step. Every other rank is a device, which
// works on its share of the step's width * lane_ops multiplies as soon as the step is submitted. The host runs ahead of
// the devices by `queue` steps at most. In units of one dependent multiply a step then takes max(host_ops, width /
// (ranks - 1) * lane_ops), and what is added to the host shows only beyond the difference.
#include <cstdint>
#include <memory>

#include "arithmetic.hpp"
#include "bind.hpp"
#include "memory.hpp"

namespace serialprof {

namespace {

constexpr std::uint64_t kMultiplier = 6364136223846793005u;

class Pipeline {
 public:
  Pipeline(std::shared_ptr<Team> members, std::int64_t host_ops, std::int64_t lane_ops, std::int64_t width,
           std::int64_t queue, std::uint64_t seed)
      : team(std::move(members)),
        host_ops_(in_range("host_ops", host_ops, 0, std::int64_t{1} << 40)),
        lane_ops_(in_range("lane_ops", lane_ops, 0, std::int64_t{1} << 40)),
        width_(in_range("width", width, 1, std::int64_t{1} << 40)),
        queue_(in_range("queue", queue, 1, std::int64_t{1} << 16)),
        seed_(seed) {
    require(team->size() >= 2, "team: a host and a device need two threads, it has " + std::to_string(team->size()));
    const auto ranks = static_cast<std::size_t>(team->size());
    states_ = std::make_unique<Padded<std::uint64_t>[]>(ranks);
    finished_ = std::make_unique<Flag[]>(ranks);
    begin();
  }

  void begin() {
    for (int rank = 0; rank < team->size(); ++rank) {
      state(rank) = rank == 0 ? 2 * seed_ + 1 : 1;
      finished(rank).value.store(0, std::memory_order_relaxed);
    }
    submitted_.value.store(0, std::memory_order_relaxed);
  }

  // The counters are compared by their difference, so that they may wrap.
  void step(std::int64_t index, Member& member) {
    const auto number = static_cast<std::uint32_t>(index);
    std::uint64_t multiplier = kMultiplier;
    keep_integer(multiplier);
    if (member.rank == 0) {
      if (index >= queue_) {
        const std::uint32_t wanted = number + 1 - static_cast<std::uint32_t>(queue_);
        for (int rank = 1; rank < member.size; ++rank) finished(rank).await(wanted);
      }
      state(0) = multiply_chain(state(0), multiplier, host_ops_);
      submitted_.publish(number + 1);
      return;
    }
    submitted_.await(number + 1);
    const std::int64_t ops = lanes(member.rank, member.size) * lane_ops_;
    state(member.rank) = multiply_chain(state(member.rank), multiplier, ops);
    finished(member.rank).publish(number + 1);
  }

  // After the last run: the host's state times the devices' products.
  std::uint64_t value() const {
    std::uint64_t total = 1;
    for (int rank = 0; rank < team->size(); ++rank) total *= state(rank);
    return total;
  }

  std::shared_ptr<Team> team;

 private:
  std::uint64_t& state(int rank) const { return states_[static_cast<std::size_t>(rank)].value; }
  Flag& finished(int rank) const { return finished_[static_cast<std::size_t>(rank)]; }

  // Lanes of a device; the first ones take what is left over.
  std::int64_t lanes(int rank, int size) const noexcept {
    const std::int64_t devices = size - 1;
    return width_ / devices + (rank - 1 < width_ % devices ? 1 : 0);
  }

  std::int64_t host_ops_;
  std::int64_t lane_ops_;
  std::int64_t width_;
  std::int64_t queue_;
  std::uint64_t seed_;
  std::unique_ptr<Padded<std::uint64_t>[]> states_;
  std::unique_ptr<Flag[]> finished_;  // steps that a device has done
  Flag submitted_;
};

}  // namespace

void register_pipeline(py::module_& module) {
  kernel_class<Pipeline>(module, "Pipeline",
                         "Rank 0 submits steps to the other ranks: max(host_ops, width / (ranks - 1) * lane_ops).")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::uint64_t>(),
           py::arg("team").none(false), py::arg("host_ops"), py::arg("lane_ops"), py::arg("width"),
           py::arg("queue") = 4, py::arg("seed") = 0)
      .def_property_readonly(
          "value", &Pipeline::value,
          "(2 * seed + 1) * 6364136223846793005 ** (steps * (host_ops + width * lane_ops)) modulo 2**64.");
}

}  // namespace serialprof
