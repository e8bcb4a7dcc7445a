// SPDX-License-Identifier: Apache-2.0
#include "liveloop.hpp"

#include <cstring>

namespace serialprof::lanes {

void Loop::reset(std::int32_t called, std::int64_t block) noexcept {
  Place* known[kMostPlaces];
  std::memcpy(known, spare, sizeof known);
  std::memset(static_cast<void*>(this), 0, sizeof *this);
  std::memcpy(spare, known, sizeof known);
  name = called, block_ticks = block, stride = 1, top = -1;
}

std::int32_t Loop::find(std::int32_t parent, std::int32_t called) const noexcept {
  std::int32_t index = parent < 0 ? top : place[parent]->child;
  while (index >= 0 && place[index]->name != called) index = place[index]->sibling;
  return index;
}

// A new place; -1 where there are too many, or no memory.
std::int32_t Loop::grow(std::int32_t parent, std::int32_t called) noexcept {
  if (places == kMostPlaces) return -1;
  if (spare[places] == nullptr) spare[places] = bounded<Place>();
  Place* fresh = spare[places];
  if (fresh == nullptr) return -1;
  std::memset(static_cast<void*>(fresh), 0, sizeof *fresh);
  std::int32_t& head = parent < 0 ? top : place[parent]->child;
  fresh->name = called, fresh->parent = parent, fresh->child = -1, fresh->sibling = head;
  head = places;
  place[places] = fresh;
  return places++;
}

void Loop::touch(std::int32_t index, std::int64_t ticks, bool raised) noexcept {
  Place& item = *place[index];
  if (item.open_calls++ == 0) touched[touches++] = index;
  item.open += ticks;
  item.open_raised += raised;
}

void Loop::forget_open() noexcept {
  for (std::int32_t at = 0; at < touches; ++at) {
    Place& item = *place[touched[at]];
    item.open = item.open_calls = item.open_raised = 0;
  }
  touches = 0;
}

// Adds the step that ends; whether its block is full, so that the CPU clocks are to be read and the block closed.
bool Loop::add_step(std::int64_t start, std::int64_t end) noexcept {
  const std::int64_t ticks = end - start;
  Block& block = blocks[closed];
  if (block.steps == 0) block.start = start;
  ++block.steps, block.ticks += ticks, block.end = end;
  if (ticks > block.longest) block.longest = ticks;
  spread.add(ticks);
  if (seen < kFirst) first[seen] = ticks;
  if (slow < kSlowest || ticks > slow_ticks[least]) keep_slow(start, ticks);
  if ((seen & (stride - 1)) == 0) keep(start, ticks);
  for (std::int32_t at = 0; at < touches; ++at) {
    Place& item = *place[touched[at]];
    item.total += item.open, item.calls += item.open_calls, item.raised += item.open_raised;
    item.blocks[closed] += item.open;
    item.spread.add(item.open);
    item.open = item.open_calls = item.open_raised = 0;
  }
  touches = 0;
  total += ticks;
  ++seen;
  return end - block.start >= block_ticks;
}

// Regions outside steps: the outermost one has been left.
void Loop::add_outside() noexcept {
  for (std::int32_t at = 0; at < touches; ++at) {
    Place& item = *place[touched[at]];
    item.total += item.open, item.calls += item.open_calls, item.raised += item.open_raised;
    item.spread.add(item.open);
    item.open = item.open_calls = item.open_raised = 0;
  }
  touches = 0;
}

// Blocks become twice as long when there is no room for another.
void Loop::close_block() noexcept {
  if (++closed < kBlocks) return;
  for (int at = 0; at < kBlocks / 2; ++at) {
    blocks[at] = blocks[2 * at];
    blocks[at].join(blocks[2 * at + 1]);
    for (std::int32_t index = 0; index < places; ++index) {
      std::int64_t* sums = place[index]->blocks;
      sums[at] = sums[2 * at] + sums[2 * at + 1];
    }
  }
  closed = kBlocks / 2;
  block_ticks *= 2;
  std::memset(blocks + closed, 0, sizeof(Block) * (kBlocks - closed));
  for (std::int32_t index = 0; index < places; ++index) {
    std::memset(place[index]->blocks + closed, 0, sizeof(std::int64_t) * (kBlocks - closed));
  }
}

// Keeps this step, every stride-th; where there is no room, every second of those kept goes and the stride doubles.
void Loop::keep(std::int64_t start, std::int64_t ticks) noexcept {
  kept_start[kept] = start, kept_ticks[kept] = ticks;
  for (std::int32_t at = 0; at < touches; ++at) place[touched[at]]->kept[kept] = place[touched[at]]->open;
  if (++kept < kKept) return;
  for (int at = 0; at < kKept / 2; ++at) kept_start[at] = kept_start[2 * at], kept_ticks[at] = kept_ticks[2 * at];
  kept = kKept / 2;
  stride *= 2;
  for (std::int32_t index = 0; index < places; ++index) {
    std::int64_t* ticks_of = place[index]->kept;
    for (int at = 0; at < kept; ++at) ticks_of[at] = ticks_of[2 * at];
    std::memset(ticks_of + kept, 0, sizeof(std::int64_t) * (kKept - kept));
  }
}

void Loop::keep_slow(std::int64_t start, std::int64_t ticks) noexcept {
  const std::int32_t row = slow < kSlowest ? slow++ : least;
  slow_start[row] = start, slow_ticks[row] = ticks;
  for (std::int32_t index = 0; index < places; ++index) place[index]->slowest[row] = place[index]->open;
  least = 0;
  for (std::int32_t at = 1; at < slow; ++at) {
    if (slow_ticks[at] < slow_ticks[least]) least = at;
  }
}

}  // namespace serialprof::lanes
