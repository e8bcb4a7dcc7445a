// SPDX-License-Identifier: Apache-2.0
#include "liverecorder.hpp"

#include <pthread.h>

#include <algorithm>
#include <mutex>
#include <new>

#include "serialprof/live.hpp"
#include "ticks.hpp"

namespace serialprof::lanes {

namespace {

// In static storage and never destroyed.
alignas(Recorder) unsigned char storage[sizeof(Recorder)];

// A thread without a lane looks for one again at every so many calls.
constexpr std::uint32_t kAskAgain = 1024;

// Gives the thread's lane to the next thread that needs one; what it holds stays.
struct Holder {
  Lane* mine = nullptr;
  std::uint64_t refused = 0;  // the recording in which there was no lane for this thread
  std::uint32_t calls = 0;    // meanwhile
  ~Holder() {
    own_lane = nullptr;
    if (mine != nullptr) mine->taken.store(false, std::memory_order_release);
  }
};

thread_local Holder holder;

// A lane that no thread has, or a new one; the caller holds the recorder's lock.
Lane* vacant() noexcept {
  for (int at = 0; at < recorder.lanes.load(); ++at) {
    bool taken = false;
    if (recorder.lane[at]->taken.compare_exchange_strong(taken, true)) return recorder.lane[at];
  }
  if (recorder.lanes.load() == kMostLanes) return nullptr;
  Lane* fresh = new (std::nothrow) Lane;
  if (fresh == nullptr) return nullptr;
  fresh->taken.store(true);
  recorder.lane[recorder.lanes.load()] = fresh;
  recorder.lanes.fetch_add(1);
  return fresh;
}

}  // namespace

Recorder& recorder = *new (storage) Recorder;
__thread Lane* own_lane = nullptr;

Lane* find_lane() noexcept {
  const std::uint64_t now = recorder.generation.load();
  if (holder.mine == nullptr && (holder.refused != now || ++holder.calls % kAskAgain == 0)) {
    const std::lock_guard<Lock> held(recorder.guard);
    holder.mine = vacant();
  }
  Lane* mine = holder.mine;
  if (mine == nullptr) {
    holder.refused = now;
    recorder.lost_threads.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  if (mine->generation.load() == now) {
    mine->adopt();
  } else {
    mine->reset(now, recorder.block_ticks.load(), true);
  }
  own_lane = mine;
  return mine;
}

void Recorder::start(std::int64_t block) noexcept {
  block_ticks.store(block);
  lost_threads.store(0);
  generation.fetch_add(1);
  active.store(true);
}

// In the child there is one thread, whatever the others were in the midst of; its buffers begin empty.
void Recorder::after_fork() noexcept {
  active.store(false);
  generation.fetch_add(1);
  guard.unlock();
  for (int at = 0; at < lanes.load(); ++at) {
    lane[at]->guard.unlock();
    lane[at]->taken.store(lane[at] == own_lane);
  }
}

std::int32_t Recorder::name(const std::string& text) {
  const std::lock_guard<Lock> held(guard);
  const auto known = std::find(names.begin(), names.end(), text);
  if (known != names.end()) return static_cast<std::int32_t>(known - names.begin());
  if (names.size() == kMostNames) return -1;
  names.push_back(text);
  return static_cast<std::int32_t>(names.size()) - 1;
}

namespace {

const int registered = pthread_atfork(nullptr, nullptr, [] { recorder.after_fork(); });

}  // namespace

extern const live::Table table;
const live::Table table{
    live::kTableVersion,
    [](const char* text) -> std::int32_t { return recorder.name(text); },
    [](std::int32_t name) -> void* {
      Lane* mine = name < 0 ? nullptr : lane();
      if (mine != nullptr) mine->enter(name, read_ticks());
      return mine;
    },
    [](void* mine, std::int32_t name) { static_cast<Lane*>(mine)->leave(name, read_ticks(), false); },
    [](std::int32_t name, std::uint64_t run, void* where) -> live::Position {
      Lane* mine = name < 0 ? nullptr : lane();
      if (mine == nullptr) return {nullptr, 0};
      const std::int64_t now = read_ticks();
      if (run != 0 && where == mine && mine->step(run, now)) return {mine, run};
      return {mine, mine->begin(name, now)};
    },
    [](void* mine, std::uint64_t run) { static_cast<Lane*>(mine)->end(run, read_ticks(), false); },
};

}  // namespace serialprof::lanes
