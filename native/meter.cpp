// SPDX-License-Identifier: Apache-2.0
// The clock meter: integer chains of a known number of cycles per operation, timed against the steady clock.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "arithmetic.hpp"
#include "bind.hpp"
#include "memory.hpp"
#include "team.hpp"
#include "ticks.hpp"

namespace serialprof {

namespace {

double thread_seconds() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Seconds that one reading of the clock adds to an interval: about 0.3 % of the shorter chain if left in.
double clock_cost() noexcept {
  double least = 1.0;
  for (int reading = 0; reading < 64; ++reading) {
    const double start = steady_seconds();
    least = std::min(least, steady_seconds() - start);
  }
  return least;
}

using Times = std::tuple<double, double, double>;

Times time_chains(std::int64_t ops) noexcept {
  static const double cost = clock_cost();
  std::uint64_t value = 1;
  std::uint64_t operand = 0x9E3779B97F4A7C15u;
  keep_integer(value);
  keep_integer(operand);
  // The CPU time encloses the wall time, so that an undisturbed reading gives a ratio just below 1.
  const double cpu_start = thread_seconds();
  const double start = steady_seconds();
  value = add_chain(value, operand, ops);
  keep_integer(value);
  const double added = steady_seconds();
  value = multiply_chain(value, operand, ops);
  keep_integer(value);
  const double multiplied = steady_seconds();
  const double cpu = thread_seconds() - cpu_start;
  const auto count = static_cast<double>(ops);
  return {std::max(added - start - cost, 0.0) / count, std::max(multiplied - added - cost, 0.0) / count,
          cpu > 0.0 ? (multiplied - start) / cpu : 1.0};
}

Times read_meter(std::int64_t ops) {
  in_range("ops", ops, 64, std::int64_t{1} << 32);
  return time_chains(ops);
}

std::optional<std::int64_t> involuntary_switches() noexcept {  // of the calling thread
#if defined(RUSAGE_THREAD)
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) == 0) return usage.ru_nivcsw;
#endif
  return std::nullopt;
}

void keep_busy(double until) noexcept {
  std::uint64_t value = 1;
  while (steady_seconds() < until) {
    value = multiply_chain(value, 3, 1024);
    keep_integer(value);
  }
}

using Row = std::tuple<double, double, double, std::optional<std::int64_t>>;

// One reading per member, all begun together after all were busy, since a core's clock depends on what the others do.
std::vector<Row> read_meters(Team& team, std::int64_t ops, double seconds) {
  in_range("ops", ops, 64, std::int64_t{1} << 32);
  require(seconds >= 0.0 && seconds <= 10.0, "seconds lies outside [0, 10]");
  struct Context {
    std::int64_t ops;
    double until;
    std::vector<Padded<Row>> rows;
  } context{ops, steady_seconds() + seconds, std::vector<Padded<Row>>(static_cast<std::size_t>(team.size()))};
  py::gil_scoped_release release;
  team.run(
      [](void* given, Member& member) {
        Context& shared = *static_cast<Context*>(given);
        keep_busy(shared.until);
        member.barrier();
        thread_seconds();  // a switch that is due comes now, not during the reading
        const auto before = involuntary_switches();
        const auto [add, multiply, wall_over_cpu] = time_chains(shared.ops);
        const auto after = involuntary_switches();
        const auto switches = before && after ? std::optional<std::int64_t>(*after - *before) : std::nullopt;
        shared.rows[static_cast<std::size_t>(member.rank)].value = {add, multiply, wall_over_cpu, switches};
      },
      &context);
  std::vector<Row> rows;
  rows.reserve(context.rows.size());
  for (const Padded<Row>& row : context.rows) rows.push_back(row.value);
  return rows;
}

// Both clocks at one moment: of some tries the one in which the steady clock was read fastest, ticks in the middle.
std::tuple<std::int64_t, double> tick_pair() noexcept {
  std::int64_t best = INT64_MAX;
  std::int64_t ticks = 0;
  double seconds = 0.0;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const std::int64_t before = read_ticks();
    const double now = steady_seconds();
    const std::int64_t took = read_ticks() - before;
    if (took >= best) continue;
    best = took;
    ticks = before + took / 2;
    seconds = now;
  }
  return {ticks, seconds};
}

}  // namespace

void register_meter(py::module_& module) {
  module.def("read_meter", &read_meter, py::arg("ops"),
             "Seconds per dependent 64-bit add, seconds per dependent 64-bit multiply, and wall time over CPU time.");
  module.def("read_meters", &read_meters, py::arg("team"), py::arg("ops"), py::arg("seconds"),
             "By rank: as read_meter, and involuntary context switches meanwhile; after `seconds` in which all spun.");
  module.def(
      "tick_pair", &tick_pair,
      "The tick clock and the steady clock (time.monotonic() on Linux), in ticks and in seconds, at one moment.");
}

}  // namespace serialprof
