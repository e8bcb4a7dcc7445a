// SPDX-License-Identifier: Apache-2.0
// Limits of the machine in arithmetic: how fast it does independent multiply-adds and operations on words, and how long
// one operation takes that waits for the one before.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "arithmetic.hpp"
#include "bind.hpp"
#include "loops/dispatch.hpp"
#include "timing.hpp"

namespace serialprof {

namespace {

std::vector<std::string> instruction_sets() {
  std::vector<std::string> levels;
  for (const char* level : kLevels) {
    if (loops_named(level) != nullptr) levels.emplace_back(level);
  }
  return levels;
}

const Loops& table_of(const std::string& level) {
  if (level.empty()) return loops();
  const Loops* const table = loops_named(level.c_str());
  require(table != nullptr, "level = '" + level + "': this processor or build has no such instruction set");
  return *table;
}

struct Peak {
  void (*run)(std::int64_t rounds);
  std::int64_t rounds;
  double seconds;

  static void task(void* context, Member& member) {
    Peak& peak = *static_cast<Peak*>(context);
    const double seconds = timed_together(member, [&] { peak.run(peak.rounds); });
    if (member.rank == 0) peak.seconds = seconds;
  }
};

// Operations per second of the team, each thread of which does `ops` of them.
double measured_peak(const std::shared_ptr<Team>& team, std::int64_t ops, double per_round, void (*run)(std::int64_t)) {
  in_range("ops", ops, 1, std::int64_t{1} << 50);
  Peak peak{run, std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(ops) / per_round)), 0.0};
  {
    py::gil_scoped_release release;
    team->run(&Peak::task, &peak);
  }
  return static_cast<double>(peak.rounds) * per_round * team->size() / std::max(peak.seconds, 1e-9);
}

double fma_peak(const std::shared_ptr<Team>& team, std::int64_t ops, const std::string& level) {
  const Loops& table = table_of(level);
  return measured_peak(team, ops, table.fma_flops_per_round(), table.fma_rounds);
}

double word_peak(const std::shared_ptr<Team>& team, std::int64_t ops, const std::string& level) {
  const Loops& table = table_of(level);
  return measured_peak(team, ops, table.word_ops_per_round(), table.word_rounds);
}

double divide_chain(double value, std::int64_t count) noexcept {
  double dividend = 3.0;  // value <- dividend / value stays in [1, 3]
  keep_double(dividend);
  std::int64_t done = 0;
  for (; done + 16 <= count; done += 16) {
#pragma GCC unroll 16
    for (int unrolled = 0; unrolled < 16; ++unrolled) {
      value = dividend / value;
      keep_double(value);
    }
  }
  for (; done < count; ++done) {
    value = dividend / value;
    keep_double(value);
  }
  return value;
}

double chain_seconds(const std::string& operation, std::int64_t ops) {
  in_range("ops", ops, 64, std::int64_t{1} << 40);
  std::uint64_t integer = 1;
  std::uint64_t operand = 0x9E3779B97F4A7C15u;
  double real = 1.5;
  keep_integer(integer);
  keep_integer(operand);
  keep_double(real);
  py::gil_scoped_release release;
  const double start = steady_seconds();
  if (operation == "add") {
    integer = add_chain(integer, operand, ops);
  } else if (operation == "multiply") {
    integer = multiply_chain(integer, operand, ops);
  } else if (operation == "fma") {
    real = loops().fma_chain(real, ops);
  } else if (operation == "divide") {
    real = divide_chain(real, ops);
  } else {
    throw std::invalid_argument("operation = '" + operation + "' is none of add, multiply, fma, divide");
  }
  keep_integer(integer);
  keep_double(real);
  return steady_seconds() - start;
}

}  // namespace

void register_peak(py::module_& module) {
  module.def("instruction_sets", &instruction_sets, "The levels that this processor and this build have, least first.");
  module.def("fma_peak", &fma_peak, py::arg("team").none(false), py::arg("ops"), py::arg("level") = "",
             "FLOP/s of the team in fp32 multiply-adds; `ops`: floating-point operations per thread; `level`: an "
             "instruction set, by default the one that the hot loops run on.");
  module.def("word_peak", &word_peak, py::arg("team").none(false), py::arg("ops"), py::arg("level") = "",
             "Operations per second of the team on 64-bit words in vectors; arguments as of fma_peak.");
  module.def("chain_seconds", &chain_seconds, py::arg("operation"), py::arg("ops"),
             "Seconds of `ops` operations of which each waits for the one before.");
}

}  // namespace serialprof
