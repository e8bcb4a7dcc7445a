// SPDX-License-Identifier: Apache-2.0
// The step loop of every kernel. It owns the loop, the per-step ticks and the injected delay, so that a kernel is only
// its one dependent step.
//
// A kernel has:
//   void begin();                                  resets the state; called once, by the caller's thread, before step 0
//   void step(std::int64_t index, Member& member); one dependent step, entered by all threads of the team at once; when
//                                                  it returns on every thread after the kernel's own member.barrier()
//                                                  calls, what the next step reads is complete
#pragma once

#include <cstdint>

#include "team.hpp"
#include "ticks.hpp"

namespace serialprof {

namespace detail {

template <bool kTicks, bool kDelay, typename Kernel>
void drive_loop(Kernel& kernel, Member& member, std::int64_t steps, std::int64_t* ticks, std::int64_t delay_ticks) {
  for (std::int64_t index = 0; index < steps; ++index) {
    kernel.step(index, member);
    if constexpr (kDelay) {
      if (member.rank == 0) {
        const std::int64_t until = read_ticks() + delay_ticks;
        while (read_ticks() < until) spin_pause();
      }
    }
    if constexpr (kTicks) {
      if (member.rank == 0) ticks[index + 1] = read_ticks();
    }
  }
}

template <typename Kernel>
struct Drive {
  Kernel* kernel;
  std::int64_t steps;
  std::int64_t* ticks;
  std::int64_t delay_ticks;

  static void task(void* context, Member& member) {
    const Drive& drive = *static_cast<Drive*>(context);
    if (drive.ticks != nullptr && member.rank == 0) drive.ticks[0] = read_ticks();
    if (drive.ticks != nullptr && drive.delay_ticks > 0) {
      drive_loop<true, true>(*drive.kernel, member, drive.steps, drive.ticks, drive.delay_ticks);
    } else if (drive.ticks != nullptr) {
      drive_loop<true, false>(*drive.kernel, member, drive.steps, drive.ticks, 0);
    } else if (drive.delay_ticks > 0) {
      drive_loop<false, true>(*drive.kernel, member, drive.steps, nullptr, drive.delay_ticks);
    } else {
      drive_loop<false, false>(*drive.kernel, member, drive.steps, nullptr, 0);
    }
  }
};

}  // namespace detail

// Runs `steps` dependent steps on the team. ticks: nullptr, or room for steps + 1 readings (start, then the end of each
// step, taken by rank 0). delay_ticks: a spin added to every step by rank 0; 0 for none.
template <typename Kernel>
void drive(Kernel& kernel, Team& team, std::int64_t steps, std::int64_t* ticks, std::int64_t delay_ticks) {
  kernel.begin();
  detail::Drive<Kernel> context{&kernel, steps, ticks, delay_ticks};
  team.run(&detail::Drive<Kernel>::task, &context);
}

}  // namespace serialprof
