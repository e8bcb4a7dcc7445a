// SPDX-License-Identifier: Apache-2.0
#include "livelane.hpp"

#include <time.h>

#include <mutex>

namespace serialprof::lanes {

namespace {

std::int64_t nanoseconds(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

void Lane::reset(std::uint64_t recording, std::int64_t block_ticks, bool cpu_clocks) noexcept {
  const std::lock_guard<Lock> held(guard);
  depth_ = beyond_ = 0;
  spoilt_ = sampled = false;
  losses = Losses{};
  loops = 0;
  chore = cpu_read_ = 0;
  block_ticks_ = block_ticks, cpu_clocks_ = cpu_clocks;
  orphans_ = 0;
  renewed(outside, kNext);
  generation.store(recording, std::memory_order_relaxed);
}

// Another thread has the lane now; what the one before was in the midst of is gone.
void Lane::adopt() noexcept {
  depth_ = beyond_ = 0;
  spoilt_ = sampled = false;
  for (std::int32_t at = 0; at < loops; ++at) loop[at]->forget_open();
  if (outside != nullptr) outside->forget_open();
}

Loop* Lane::renewed(Loop*& slot, std::int32_t name) noexcept {
  if (slot == nullptr) slot = bounded<Loop>();
  if (slot != nullptr) slot->reset(name, block_ticks_);
  return slot;
}

Loop* Lane::recorded(std::int32_t name) noexcept {
  for (std::int32_t at = 0; at < loops; ++at) {
    if (loop[at]->name == name) return loop[at];
  }
  const std::lock_guard<Lock> held(guard);
  if (loops == kMostLoops || renewed(loop[loops], name) == nullptr) {
    ++losses.refused;
    return nullptr;
  }
  return loop[loops++];
}

std::int32_t Lane::placed(Loop* into, std::int32_t parent, std::int32_t name) noexcept {
  if (into == nullptr || parent == kRefused) return kRefused;
  if (const std::int32_t known = into->find(parent, name); known >= 0) return known;
  const std::lock_guard<Lock> held(guard);
  const std::int32_t fresh = into->grow(parent, name);
  if (fresh >= 0) return fresh;
  ++losses.refused;
  return kRefused;
}

void Lane::enter(std::int32_t name, std::int64_t now) noexcept {
  if (orphans_.load(std::memory_order_relaxed) != 0) bury();
  if (depth_ == kMostDepth) {
    ++beyond_, ++losses.deep;
    return;
  }
  Loop* into = outside;
  std::int32_t parent = -1;
  if (depth_ > 0) {
    const Frame& top = stack_[depth_ - 1];
    into = top.loop;
    parent = top.run != 0 ? -1 : top.place;
  }
  Frame& frame = stack_[depth_];
  frame.run = 0, frame.loop = into, frame.name = name, frame.place = placed(into, parent, name);
  frame.start = now;
  ++depth_;
}

void Lane::leave(std::int32_t name, std::int64_t now, bool raised) noexcept {
  if (beyond_ > 0) {
    --beyond_;
    return;
  }
  if (depth_ == 0 || stack_[depth_ - 1].run != 0 || stack_[depth_ - 1].name != name) {
    mend(name);
    return;
  }
  const Frame& frame = stack_[--depth_];
  if (frame.place >= 0) frame.loop->touch(frame.place, now - frame.start, raised);
  if (depth_ == 0 && outside != nullptr) {
    const std::lock_guard<Lock> held(guard);
    outside->add_outside();
  }
}

// A region is left that is not the innermost: those within it, and it itself, get no time, nor does the step.
void Lane::mend(std::int32_t name) noexcept {
  int at = depth_ - 1;
  while (at >= 0 && (stack_[at].run != 0 || stack_[at].name != name)) --at;
  if (at < 0) {
    ++losses.not_entered;
    return;
  }
  unwind(at);
  if (depth_ == 0 && outside != nullptr) outside->forget_open();
}

void Lane::unwind(int to) noexcept {
  beyond_ = 0;
  if (depth_ > to) spoilt_ = true;
  while (depth_ > to) {
    const Frame& frame = stack_[--depth_];
    if (frame.run == 0) {
      ++losses.left_open;
    } else {
      ++losses.crossed;
      if (frame.loop != nullptr) frame.loop->forget_open();
    }
  }
  if (depth_ == 0) spoilt_ = false;
}

// Where a run of a loop lies on the stack, -1 where it does not; regions have run 0, and so has what was not begun.
int Lane::position(std::uint64_t run) const noexcept {
  if (run == 0) return -1;
  int at = depth_ - 1;
  while (at >= 0 && stack_[at].run != run) --at;
  return at;
}

std::uint64_t Lane::begin(std::int32_t name, std::int64_t now) noexcept {
  if (orphans_.load(std::memory_order_relaxed) != 0) bury();
  if (depth_ == kMostDepth) {
    ++losses.deep;
    return 0;
  }
  bool nested = false;
  for (int at = 0; at < depth_; ++at) nested = nested || (stack_[at].run != 0 && stack_[at].name == name);
  if (nested) ++losses.nested;
  Frame& frame = stack_[depth_];
  frame.outer = nullptr, frame.place = kRefused;
  if (depth_ > 0) {
    const Frame& top = stack_[depth_ - 1];
    frame.outer = top.loop;
    frame.place = placed(top.loop, top.run != 0 ? -1 : top.place, name);
  }
  frame.run = ++runs_, frame.name = name, frame.loop = nested ? nullptr : recorded(name);
  frame.start = frame.began = now;
  if (frame.loop != nullptr) begin_cpu(frame, now);
  ++depth_;
  return frame.run;
}

bool Lane::step(std::uint64_t run, std::int64_t now) noexcept {
  if (run == 0 || depth_ == 0 || stack_[depth_ - 1].run != run || beyond_ > 0) {
    const int at = position(run);
    if (at < 0) return false;
    unwind(at + 1);
  }
  Frame& frame = stack_[depth_ - 1];
  if (Loop* mine = frame.loop) {
    const std::lock_guard<Lock> held(guard);
    if (spoilt_) {
      ++mine->left_out;
      mine->forget_open();
    } else if (mine->add_step(frame.start, now)) {
      read_cpu(frame, now, &mine->blocks[mine->closed]);
      mine->close_block();
    }
  }
  spoilt_ = false;
  frame.start = now;
  return true;
}

void Lane::restart(std::int64_t now) noexcept {
  if (depth_ > 0) stack_[depth_ - 1].start = now;
}

void Lane::end(std::uint64_t run, std::int64_t now, bool cut) noexcept {
  const int at = position(run);
  if (at < 0) return;
  unwind(at + 1);
  const Frame& frame = stack_[depth_ - 1];
  if (Loop* mine = frame.loop) {
    const std::lock_guard<Lock> held(guard);
    mine->cut += cut;
    mine->forget_open();
    if (frame.wall >= 0) read_cpu(stack_[depth_ - 1], now, &mine->blocks[mine->closed]);
  }
  if (frame.place >= 0) frame.outer->touch(frame.place, now - frame.began, false);
  --depth_;
  spoilt_ = false;
  if (depth_ == 0 && outside != nullptr) outside->forget_open();
}

void Lane::orphan(std::uint64_t run) noexcept {
  const std::lock_guard<Lock> held(guard);
  const int count = orphans_.load(std::memory_order_relaxed);
  if (count == kMostOrphans) return;
  orphaned_[count] = run;
  orphans_.store(count + 1, std::memory_order_relaxed);
}

// Takes runs that another thread has ended, and what lies within them, off the stack.
void Lane::bury() noexcept {
  std::uint64_t gone[kMostOrphans];
  int count = 0;
  {
    const std::lock_guard<Lock> held(guard);
    for (; count < orphans_.load(std::memory_order_relaxed); ++count) gone[count] = orphaned_[count];
    orphans_.store(0, std::memory_order_relaxed);
  }
  for (int index = 0; index < count; ++index) {
    const int at = position(gone[index]);
    if (at >= 0) unwind(at);
  }
}

// Of loops that follow each other faster than the clocks can be read cheaply, some are read.
void Lane::begin_cpu(Frame& frame, std::int64_t now) noexcept {
  frame.wall = -1;
  if (now - cpu_read_ >= block_ticks_ / 4) read_cpu(frame, now, nullptr);
}

void Lane::read_cpu(Frame& frame, std::int64_t now, Block* into) noexcept {
  if (!cpu_clocks_) return;
  cpu_read_ = now;
  const std::int64_t thread = nanoseconds(CLOCK_THREAD_CPUTIME_ID), process = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  if (into != nullptr && frame.wall >= 0) {
    into->covered += now - frame.wall;
    into->thread += thread - frame.thread, into->process += process - frame.process;
  }
  frame.wall = now, frame.thread = thread, frame.process = process;
}

}  // namespace serialprof::lanes
