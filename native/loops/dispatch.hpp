// SPDX-License-Identifier: Apache-2.0
// Which instruction set the hot loops run on, chosen once at run time.
//
// `Loops` is a table of plain functions; loops.cpp is compiled once per level and each copy fills one table.
// SERIALPROF_ISA=baseline|avx2|avx512 in the environment forces a level (an unavailable one is an error).
#pragma once

#include <cstddef>
#include <cstdint>

namespace serialprof {

struct Loops {
  const char* name;
};

// The table for this machine (or for the level that the environment forces). Throws std::runtime_error for a level that
// this processor or this build does not have.
const Loops& loops();

}  // namespace serialprof
