// SPDX-License-Identifier: Apache-2.0
#include "livecopy.hpp"

#include <memory>
#include <mutex>

#include "liverecorder.hpp"

namespace serialprof::lanes {

namespace py = pybind11;

namespace {

struct LoopCopy {
  Loop loop;
  std::vector<Place> places;
};

std::unique_ptr<LoopCopy> copy(const Loop& loop) {
  auto made = std::make_unique<LoopCopy>();
  made->loop = loop;
  made->places.reserve(kMostPlaces);
  for (std::int32_t index = 0; index < loop.places; ++index) made->places.push_back(*loop.place[index]);
  return made;
}

py::bytes numbers(const std::int64_t* first, std::int32_t count) {
  return py::bytes(reinterpret_cast<const char*>(first), sizeof(std::int64_t) * static_cast<std::size_t>(count));
}

// (bucket, count) of those that hold any.
py::list spread_of(const Spread& spread) {
  py::list made;
  for (int index = 0; index < kBuckets; ++index) {
    if (spread.counts[index] != 0) made.append(py::make_tuple(index, spread.counts[index]));
  }
  return made;
}

py::dict place_of(const Place& place, const Loop& loop, std::int32_t blocks) {
  py::dict made;
  made["name"] = place.name;
  made["parent"] = place.parent;
  made["calls"] = place.calls;
  made["raised"] = place.raised;
  made["total"] = place.total;
  made["spread"] = spread_of(place.spread);
  made["blocks"] = numbers(place.blocks, blocks);
  made["kept"] = numbers(place.kept, loop.kept);
  made["slowest"] = numbers(place.slowest, loop.slow);
  return made;
}

py::dict loop_of(const LoopCopy& copy) {
  const Loop& loop = copy.loop;
  const std::int32_t blocks = loop.closed + (loop.blocks[loop.closed].steps > 0 ? 1 : 0);
  py::dict made;
  made["name"] = loop.name;
  made["seen"] = loop.seen;
  made["cut"] = loop.cut;
  made["left_out"] = loop.left_out;
  made["total"] = loop.total;
  made["stride"] = loop.stride;
  made["spread"] = spread_of(loop.spread);
  made["first"] = numbers(loop.first, static_cast<std::int32_t>(loop.seen < kFirst ? loop.seen : kFirst));
  py::list rows;
  for (std::int32_t at = 0; at < blocks; ++at) {
    const Block& block = loop.blocks[at];
    rows.append(py::make_tuple(block.steps, block.ticks, block.start, block.end, block.longest, block.covered,
                               block.thread, block.process));
  }
  made["blocks"] = rows;
  made["kept_start"] = numbers(loop.kept_start, loop.kept);
  made["kept_ticks"] = numbers(loop.kept_ticks, loop.kept);
  made["slow_start"] = numbers(loop.slow_start, loop.slow);
  made["slow_ticks"] = numbers(loop.slow_ticks, loop.slow);
  py::list places;
  for (const Place& place : copy.places) places.append(place_of(place, loop, blocks));
  made["places"] = places;
  return made;
}

}  // namespace

py::dict copied(Lane& lane) {
  std::vector<std::unique_ptr<LoopCopy>> loops;
  Losses losses{};
  {
    // No Python object is made here: making one may collect garbage, and end a loop of this very lane.
    const std::lock_guard<Lock> held(lane.guard);
    losses = lane.losses;
    for (std::int32_t at = 0; at < lane.loops; ++at) loops.push_back(copy(*lane.loop[at]));
    if (lane.outside != nullptr) loops.push_back(copy(*lane.outside));
  }
  py::dict made;
  if (lane.outside != nullptr) {
    made["outside"] = loop_of(*loops.back());
    loops.pop_back();
  }
  py::list rows;
  for (const auto& loop : loops) rows.append(loop_of(*loop));
  made["loops"] = rows;
  py::dict lost;
  lost["left_open"] = losses.left_open;
  lost["not_entered"] = losses.not_entered;
  lost["crossed"] = losses.crossed;
  lost["nested"] = losses.nested;
  lost["refused"] = losses.refused;
  lost["deep"] = losses.deep;
  made["losses"] = lost;
  return made;
}

py::dict replayed(const std::vector<std::tuple<std::string, std::int32_t, std::int64_t>>& calls, std::int64_t block) {
  if (block < 1 || block > kMostTicks)
    throw py::value_error("block_ticks = " + std::to_string(block) + " lies outside [1, 2^50]");
  for (const auto& call : calls) {
    const std::int64_t now = std::get<2>(call);
    if (now < 0 || now > kMostTicks)
      throw py::value_error("calls: a tick of " + std::to_string(now) + " lies outside [0, 2^50]");
  }
  auto* mine = new Lane;  // never given back, as its memory is not
  mine->reset(1, block, false);
  std::vector<std::uint64_t> runs(kMostNames, 0);
  for (const auto& [call, name, now] : calls) {
    std::uint64_t& run = runs.at(static_cast<std::size_t>(name));
    if (call == "enter")
      mine->enter(name, now);
    else if (call == "leave")
      mine->leave(name, now, false);
    else if (call == "raise")
      mine->leave(name, now, true);
    else if (call == "begin")
      run = mine->begin(name, now);
    else if (call == "step") {
      if (!mine->step(run, now)) run = mine->begin(name, now);
    } else if (call == "end" || call == "cut")
      mine->end(run, now, call == "cut");
    else if (call == "orphan")
      mine->orphan(run);
    else
      throw py::value_error("no call " + call);
  }
  return copied(*mine);
}

}  // namespace serialprof::lanes
