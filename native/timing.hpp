// SPDX-License-Identifier: Apache-2.0
// Timing what the threads of a team do at once.
#pragma once

#include "team.hpp"
#include "ticks.hpp"

namespace serialprof {

// Seconds from the moment that all threads begin until all have finished, as rank 0 sees them. A helper that slept
// since the last run has woken by then.
template <typename Function>
double timed_together(Member& member, const Function& function) {
  member.barrier();
  const double start = steady_seconds();
  function();
  member.barrier();
  return steady_seconds() - start;
}

}  // namespace serialprof
