// SPDX-License-Identifier: Apache-2.0
// Interruptions of a thread that does nothing but read the tick clock: the "selfish detour" of Beckman, Iskra, Yoshii
// and Coghlan, "The influence of operating systems on the performance of collective operations at extreme scale"
// (2006).
#include <algorithm>
#include <cstdint>
#include <tuple>

#include "bind.hpp"
#include "ticks.hpp"

namespace serialprof {

namespace {

// Ticks per second, over a millisecond of spinning: near enough for a threshold and for when to stop.
double ticks_per_second() noexcept {
  const double start = steady_seconds();
  const std::int64_t first = read_ticks();
  double now = start;
  while (now - start < 1e-3) now = steady_seconds();
  return static_cast<double>(read_ticks() - first) / (now - start);
}

std::tuple<std::int64_t, double, double, double> find_gaps(double seconds, double threshold) {
  require(seconds > 0.0 && seconds <= 60.0, "seconds lies outside (0, 60]");
  require(threshold > 0.0 && threshold <= seconds, "threshold_seconds lies outside (0, seconds]");
  py::gil_scoped_release release;
  const double rate = ticks_per_second();
  const auto least = static_cast<std::int64_t>(threshold * rate);
  const auto enough = static_cast<std::int64_t>(seconds * rate);
  std::int64_t count = 0;
  std::int64_t lost = 0;
  std::int64_t longest = 0;
  const double started = steady_seconds();
  const std::int64_t first = read_ticks();
  std::int64_t last = first;
  while (last - first < enough) {
    const std::int64_t now = read_ticks();
    const std::int64_t gap = now - last;
    last = now;
    if (gap <= least) continue;
    ++count;
    lost += gap;
    longest = std::max(longest, gap);
  }
  const double spun = steady_seconds() - started;
  const double second = spun / static_cast<double>(last - first);  // of one tick, over the whole spin
  return {count, static_cast<double>(lost) * second, static_cast<double>(longest) * second, spun};
}

}  // namespace

void register_gaps(py::module_& module) {
  module.def("find_gaps", &find_gaps, py::arg("seconds"), py::arg("threshold_seconds"),
             "Spins on the tick clock for `seconds`; how many gaps between two readings exceeded the threshold, the "
             "seconds lost in them, the longest of them in seconds, and the seconds spun.");
}

}  // namespace serialprof
