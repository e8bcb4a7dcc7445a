// SPDX-License-Identifier: Apache-2.0
// What a barrier costs at a grain: one step is `grain_ops` multiplies split among the threads, then a barrier.
#include <cstdint>
#include <memory>

#include "arithmetic.hpp"
#include "bind.hpp"
#include "memory.hpp"
#include "ticks.hpp"

namespace serialprof {

namespace {

constexpr std::uint64_t kMultiplier = 6364136223846793005u;

class Barrier {
 public:
  Barrier(std::shared_ptr<Team> members, std::int64_t grain_ops) : team(std::move(members)), grain_(grain_ops) {
    in_range("grain_ops", grain_ops, 0, std::int64_t{1} << 40);
    products_ = std::make_unique<Padded<std::uint64_t>[]>(static_cast<std::size_t>(team->size()));
    begin();
  }

  void begin() {
    for (int rank = 0; rank < team->size(); ++rank) product(rank) = 1;
  }

  void step(std::int64_t, Member& member) {
    std::int64_t first;
    std::int64_t last;
    member.share(grain_, 1, &first, &last);
    std::uint64_t multiplier = kMultiplier;
    keep_integer(multiplier);
    product(member.rank) = multiply_chain(product(member.rank), multiplier, last - first);
    member.barrier();
  }

  // Seconds of `steps` steps from the moment that all threads have begun, as rank 0 sees them. A helper that slept
  // since the last run has woken by then.
  double seconds(std::int64_t steps) {
    Timed timed{this, in_range("steps", steps, 1, std::int64_t{1} << 40), 0.0};
    const Turn turn(*team);
    begin();
    py::gil_scoped_release release;
    team->run(&Timed::task, &timed);
    return timed.seconds;
  }

  // The product over the threads: multiplier^(grain_ops x steps) modulo 2^64, however the multiplies were split.
  std::uint64_t value() const {
    std::uint64_t total = 1;
    for (int rank = 0; rank < team->size(); ++rank) total *= product(rank);
    return total;
  }

  std::shared_ptr<Team> team;

 private:
  struct Timed {
    Barrier* kernel;
    std::int64_t steps;
    double seconds;

    static void task(void* context, Member& member) {
      Timed& timed = *static_cast<Timed*>(context);
      member.barrier();
      const double start = steady_seconds();
      for (std::int64_t index = 0; index < timed.steps; ++index) timed.kernel->step(index, member);
      if (member.rank == 0) timed.seconds = steady_seconds() - start;
    }
  };

  std::uint64_t& product(int rank) const { return products_[static_cast<std::size_t>(rank)].value; }

  std::int64_t grain_;
  std::unique_ptr<Padded<std::uint64_t>[]> products_;
};

}  // namespace

void register_barrier(py::module_& module) {
  kernel_class<Barrier>(module, "Barrier", "`grain_ops` multiplies per step, split among the threads, then a barrier.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t>(), py::arg("team").none(false), py::arg("grain_ops"))
      .def("seconds", &Barrier::seconds, py::arg("steps"),
           "Seconds of `steps` steps, from the moment that all threads have begun.")
      .def_property_readonly("value", &Barrier::value, "6364136223846793005 ** (grain_ops * steps) modulo 2**64.");
}

}  // namespace serialprof
