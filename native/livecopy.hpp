// SPDX-License-Identifier: Apache-2.0
// What lanes hold, as Python sees it: copied under their locks, converted afterwards.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "livelane.hpp"

namespace serialprof::lanes {

constexpr std::int64_t kMostTicks = std::int64_t{1} << 50;  // days

// A dictionary with "outside", "loops" and the losses; read by profiler/serialprof/live/collecting.py.
pybind11::dict copied(Lane& lane);

// What a lane makes of calls at given ticks: (call, name, tick), where a name stands for the loop's run, too.
pybind11::dict replayed(const std::vector<std::tuple<std::string, std::int32_t, std::int64_t>>& calls,
                        std::int64_t block);

}  // namespace serialprof::lanes
