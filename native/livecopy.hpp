// SPDX-License-Identifier: Apache-2.0
// What lanes hold, as Python sees it: copied under their locks, converted afterwards.
#pragma once

#include <pybind11/pybind11.h>

#include "livelane.hpp"

namespace serialprof::lanes {

// A dictionary with "outside", "loops" and the losses; read by profiler/serialprof/live/collecting.py.
pybind11::dict copied(Lane& lane);

}  // namespace serialprof::lanes
