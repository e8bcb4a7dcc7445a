// SPDX-License-Identifier: Apache-2.0
// Limits of the machine in throughput: read bandwidth at a footprint, and the peak rate of multiply-adds.
#include <algorithm>
#include <cstdint>

#include "bind.hpp"
#include "loops/dispatch.hpp"
#include "memory.hpp"
#include "ticks.hpp"

namespace serialprof {

namespace {

// Seconds from the moment that all threads begin until all have finished, as rank 0 sees them.
template <typename Function>
double timed_together(Member& member, const Function& function) {
  member.barrier();
  const double start = steady_seconds();
  function();
  member.barrier();
  return steady_seconds() - start;
}

struct Read {
  std::uint64_t* words;
  std::int64_t count;
  std::int64_t repeats;
  Padded<std::uint64_t>* sums;  // per thread, over all passes
  double seconds;

  static void task(void* context, Member& member) {
    Read& read = *static_cast<Read*>(context);
    std::int64_t first;
    std::int64_t last;
    member.share(read.count, kLineBytes / 8, &first, &last);
    // Each thread writes its part first: the pages then lie on its own memory node. One pass untimed fills the caches.
    for (std::int64_t index = first; index < last; ++index) read.words[index] = static_cast<std::uint64_t>(index);
    std::uint64_t sum = loops().sum_words(read.words + first, last - first);
    const double seconds = timed_together(member, [&] {
      for (std::int64_t pass = 0; pass < read.repeats; ++pass) {
        sum += loops().sum_words(read.words + first, last - first);
      }
    });
    read.sums[member.rank].value = sum;
    if (member.rank == 0) read.seconds = seconds;
  }
};

double read_bandwidth(const std::shared_ptr<Team>& team, std::int64_t footprint_bytes, std::int64_t repeats) {
  in_range("footprint_bytes", footprint_bytes, kLineBytes, std::int64_t{1} << 44);
  in_range("repeats", repeats, 1, std::int64_t{1} << 32);
  require_memory("footprint_bytes", footprint_bytes, static_cast<double>(footprint_bytes));
  const std::int64_t count = footprint_bytes / kLineBytes * (kLineBytes / 8);
  Memory<std::uint64_t> words = allocate<std::uint64_t>(count);
  const auto sums = std::make_unique<Padded<std::uint64_t>[]>(static_cast<std::size_t>(team->size()));
  Read read{words.get(), count, repeats, sums.get(), 0.0};
  {
    py::gil_scoped_release release;
    team->run(&Read::task, &read);
  }
  std::uint64_t total = 0;
  for (int rank = 0; rank < team->size(); ++rank) total += sums[static_cast<std::size_t>(rank)].value;
  const auto n = static_cast<std::uint64_t>(count);  // a multiple of 8, so n / 2 is exact
  if (total != n / 2 * (n - 1) * static_cast<std::uint64_t>(repeats + 1)) {
    throw std::runtime_error("read_bandwidth: the words read do not add up");
  }
  return read.seconds;
}

struct Peak {
  std::int64_t rounds;
  double seconds;

  static void task(void* context, Member& member) {
    Peak& peak = *static_cast<Peak*>(context);
    const double seconds = timed_together(member, [&] { loops().fma_rounds(peak.rounds); });
    if (member.rank == 0) peak.seconds = seconds;
  }
};

double fma_peak(const std::shared_ptr<Team>& team, std::int64_t ops) {
  in_range("ops", ops, 1, std::int64_t{1} << 50);
  const double per_round = loops().fma_flops_per_round();
  Peak peak{std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(ops) / per_round)), 0.0};
  {
    py::gil_scoped_release release;
    team->run(&Peak::task, &peak);
  }
  return static_cast<double>(peak.rounds) * per_round * team->size() / std::max(peak.seconds, 1e-9);
}

}  // namespace

void register_stream(py::module_& module) {
  module.def("read_bandwidth", &read_bandwidth, py::arg("team").none(false), py::arg("footprint_bytes"),
             py::arg("repeats"),
             "Seconds in which the team reads footprint_bytes (a whole number of cache lines) `repeats` times.");
  module.def("fma_peak", &fma_peak, py::arg("team").none(false), py::arg("ops"),
             "FLOP/s of the team in fp32 multiply-adds; `ops`: floating-point operations per thread.");
}

}  // namespace serialprof
