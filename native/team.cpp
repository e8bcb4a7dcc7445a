// SPDX-License-Identifier: Apache-2.0
#include "team.hpp"

#include <sched.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "bind.hpp"
#include "ticks.hpp"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace serialprof {

namespace {

// About 50 us of spinning: longer than any hand-over inside a step, far shorter than a scheduler's time slice.
constexpr int kSpins = 4000;

void sleep_while_equal(std::atomic<std::uint32_t>* word, std::uint32_t seen) noexcept {
#if defined(__linux__)
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(word), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
#else
  (void)word;
  (void)seen;
  sched_yield();
#endif
}

void wake_all(std::atomic<std::uint32_t>* word) noexcept {
#if defined(__linux__)
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(word), FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
#else
  (void)word;
#endif
}

// A neighbour may be one barrier ahead by the time that we look, so "at least", not "equal"; counters wrap.
bool reached(std::uint32_t value, std::uint32_t wanted) noexcept {
  return static_cast<std::int32_t>(value - wanted) >= 0;
}

// Beyond all CPU numbers: the kernel's own masks have that many bits.
int end_of_cpus() noexcept {
#if defined(__linux__)
  constexpr std::size_t kLongest = 1 << 16;  // bytes of a mask
  const auto mask = std::make_unique<unsigned char[]>(kLongest);
  const long bytes = syscall(SYS_sched_getaffinity, 0, kLongest, mask.get());
  if (bytes > 0) return static_cast<int>(8 * bytes);
#endif
  return INT32_MAX;
}

int rounds_for(int size) noexcept {
  int rounds = 0;
  while ((1 << rounds) < size) ++rounds;
  return rounds;
}

}  // namespace

void Flag::publish(std::uint32_t next) noexcept {
  // Sequentially consistent on both sides: either the waiter sees the new value, or we see the waiter.
  value.store(next, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) != 0) wake_all(&value);
}

void Flag::await(std::uint32_t wanted) noexcept {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (reached(value.load(std::memory_order_acquire), wanted)) return;
    spin_pause();
  }
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  for (;;) {
    const std::uint32_t seen = value.load(std::memory_order_seq_cst);
    if (reached(seen, wanted)) break;
    sleep_while_equal(&value, seen);
  }
  sleepers.fetch_sub(1, std::memory_order_relaxed);
}

// Dissemination barrier (Hensgen, Finkel and Manber 1988): in round r, rank i signals rank i + 2^r and waits for its
// own flag; log2(size) rounds. A flag is written by one thread and read by one.
void Member::barrier() noexcept {
  ++epoch;
  for (int round = 0; round < team->rounds_; ++round) {
    Flag* row = &team->arrivals_[static_cast<std::size_t>(round) * static_cast<std::size_t>(size)];
    row[(rank + (1 << round)) % size].publish(epoch);
    row[rank].await(epoch);
  }
}

void Member::share(std::int64_t count, std::int64_t grain, std::int64_t* first, std::int64_t* last) const noexcept {
  const std::int64_t grains = (count + grain - 1) / grain;
  // Rounded up, so that rank 0, whose time is taken, never waits for a thread that has more to do.
  *first = std::min(count, (grains * rank + size - 1) / size * grain);
  *last = std::min(count, (grains * (rank + 1) + size - 1) / size * grain);
}

Team::Team(std::vector<int> cpus) : cpus_(std::move(cpus)) {
  if (cpus_.empty()) throw std::invalid_argument("cpus: a team needs at least one CPU");
  const int end = end_of_cpus();
  for (const int cpu : cpus_) {
    if (cpu < 0) throw std::invalid_argument("cpus: " + std::to_string(cpu) + " is no CPU number");
    if (cpu >= end) throw std::invalid_argument("cpus: this machine has no CPU " + std::to_string(cpu));
  }
  if (cpus_.size() > 4096) throw std::invalid_argument("cpus: a team has at most 4096 threads");
  rounds_ = rounds_for(size());
  epochs_.assign(cpus_.size(), 0);
  arrivals_ = std::make_unique<Flag[]>(std::max<std::size_t>(1, cpus_.size() * static_cast<std::size_t>(rounds_)));
  seats_.reserve(cpus_.size());
  try {
    for (int rank = 1; rank < size(); ++rank) start_thread(rank);
  } catch (...) {
    stop_threads();
    throw;
  }
  if (seats_.empty()) return;
  run([](void*, Member&) {}, nullptr);  // ready handshake: every thread has run on its CPU once
}

Team::~Team() { stop_threads(); }

void Team::start_thread(int rank) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
#if defined(__linux__)
  const int cpu = cpus_[static_cast<std::size_t>(rank)];
  cpu_set_t* mask = CPU_ALLOC(cpu + 1);
  const std::size_t bytes = CPU_ALLOC_SIZE(cpu + 1);
  CPU_ZERO_S(bytes, mask);
  CPU_SET_S(cpu, bytes, mask);
  pthread_attr_setaffinity_np(&attributes, bytes, mask);
  CPU_FREE(mask);
#endif
  seats_.push_back(Seat{this, rank, {}});
  const int failed = pthread_create(&seats_.back().thread, &attributes, &Team::main_of_thread, &seats_.back());
  pthread_attr_destroy(&attributes);
  if (failed != 0) {
    seats_.pop_back();
    throw std::invalid_argument("cpus: cannot start a thread on CPU " +
                                std::to_string(cpus_[static_cast<std::size_t>(rank)]));
  }
}

void Team::stop_threads() noexcept {
  stopping_ = true;
  start_.publish(++runs_);
  for (Seat& seat : seats_) pthread_join(seat.thread, nullptr);
  seats_.clear();
}

void* Team::main_of_thread(void* argument) {
  const Seat* seat = static_cast<Seat*>(argument);
  Team& team = *seat->team;
  for (std::uint32_t run = 1;; ++run) {
    team.start_.await(run);
    if (team.stopping_) return nullptr;
    Member member{seat->rank, team.size(), &team, team.epochs_[static_cast<std::size_t>(seat->rank)]};
    team.task_(team.context_, member);
    member.barrier();  // the caller leaves run() only when all have finished
    team.epochs_[static_cast<std::size_t>(seat->rank)] = member.epoch;
  }
}

Turn::Turn(Team& team) : lock_(team.entrance_, std::try_to_lock) {
  if (!lock_.owns_lock()) throw std::runtime_error("team: another thread runs something on it; give each its own team");
}

void Team::run(Task task, void* context) {
  const Turn turn(*this);
  Member caller{0, size(), this, epochs_[0]};
  if (size() == 1) {
    task(context, caller);
    return;
  }
  task_ = task;
  context_ = context;
  start_.publish(++runs_);
  task(context, caller);
  caller.barrier();
  epochs_[0] = caller.epoch;
}

void register_team(py::module_& module) {
  py::class_<Team, std::shared_ptr<Team>>(module, "Team", "Pinned threads; rank 0 is the thread that calls run().")
      .def(py::init<std::vector<int>>(), py::arg("cpus"))
      .def_property_readonly("size", &Team::size)
      .def_property_readonly("cpus", &Team::cpus);
}

}  // namespace serialprof
