// SPDX-License-Identifier: Apache-2.0
// A team of pinned threads that run one function together, with a spin barrier between their steps.
//
// The threads are created once, each bound to its CPU before it starts, and the constructor waits until all have said
// that they are ready: an unpinned helper that queues behind the spinning caller costs milliseconds per call.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace serialprof {

// A word that a thread waits on: spins for a bounded time, then sleeps in the kernel until it changes.
// Alone on two cache lines, since adjacent-line prefetchers drag the neighbour along.
struct alignas(128) Flag {
  std::atomic<std::uint32_t> value{0};
  std::atomic<std::uint32_t> sleepers{0};

  void publish(std::uint32_t next) noexcept;
  void await(std::uint32_t wanted) noexcept;  // returns once value has reached wanted
};

class Team;

// What a thread of the team knows of itself; handed to every step.
struct Member {
  int rank;
  int size;
  Team* team;
  std::uint32_t epoch = 0;  // barriers passed

  void barrier() noexcept;
  // The part [first, last) of `count` items that this thread owns, contiguous, sizes differing by at most one `grain`.
  void share(std::int64_t count, std::int64_t grain, std::int64_t* first, std::int64_t* last) const noexcept;
};

class Team {
 public:
  using Task = void (*)(void* context, Member& member);

  // cpus: one CPU number per thread. The caller is rank 0 and is not pinned here: it pins itself.
  explicit Team(std::vector<int> cpus);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const noexcept { return static_cast<int>(cpus_.size()); }
  const std::vector<int>& cpus() const noexcept { return cpus_; }

  // Runs task(context, member) on every thread and returns when all are done. Throws std::runtime_error where another
  // thread is inside.
  void run(Task task, void* context);

 private:
  friend struct Member;
  friend class Turn;
  static void* main_of_thread(void* argument);
  void start_thread(int rank);
  void stop_threads() noexcept;

  struct Seat {  // argument of one thread
    Team* team;
    int rank;
    pthread_t thread;
  };

  std::recursive_mutex entrance_;
  std::vector<int> cpus_;
  std::vector<Seat> seats_;
  Flag start_;
  std::uint32_t runs_ = 0;
  bool stopping_ = false;
  Task task_ = nullptr;
  void* context_ = nullptr;
  std::vector<std::uint32_t> epochs_;  // per rank, carried from run to run
  std::unique_ptr<Flag[]> arrivals_;   // [round * size + rank]: dissemination barrier
  int rounds_ = 0;
};

// The calling thread's right to run things on a team. What is taken again inside another turn is the same turn.
class Turn {
 public:
  explicit Turn(Team& team);  // throws std::runtime_error where it is another thread's

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

}  // namespace serialprof
