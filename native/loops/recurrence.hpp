// SPDX-License-Identifier: Apache-2.0
// One step of a linear recurrence in many channels side by side. Included by loops.cpp alone.
// Counts are whole tiles of kScanTile channels (native/scan.cpp pads), so that every instruction set has whole vectors.
#pragma once

#include "loops/activation.hpp"
#include "loops/dispatch.hpp"
#include "loops/vector.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

// What a step reads comes from far away when the inputs stream: ask for it this many floats ahead. Rows follow each
// other in memory, so the end of one asks for the start of the next.
constexpr int kScanAhead = 512;
constexpr int kScanVectors = kScanTile / kFloats;  // vectors in a tile

static void scan_linear(const float* decay, const float* input, const float* from, float* to, int64_t count) {
  for (int64_t i = 0; i < count; i += kScanTile) {
    __builtin_prefetch(decay + i + kScanAhead);
    __builtin_prefetch(input + i + kScanAhead);
    Vector h[kScanVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kScanVectors; ++v) {
      const int64_t at = i + v * kFloats;
      h[v] = load(decay + at) * load(from + at) + load(input + at);
    }
#pragma GCC unroll 4
    for (int v = 0; v < kScanVectors; ++v) store(to + i + v * kFloats, h[v]);
  }
}

// The exponentials of all states are independent of each other and of h: the chain from step to step is one
// multiply-add.
static void scan_selective(const SelectiveStep& step, const float* from, float* to, int64_t first, int64_t count) {
  const int64_t states = step.states;
  for (int64_t i = first; i < first + count; i += kFloats) {
    const int64_t tile = i / kScanTile * kScanTile * states + i % kScanTile;
    const Vector delta = load(step.delta + i);
    const Vector scaled = delta * load(step.x + i);
    Vector y = {};
    for (int64_t n = 0; n < states; ++n) {
      const int64_t at = tile + n * kScanTile;
      const Vector h = exponential(delta * load(step.rates + at)) * load(from + at) + scaled * step.input[n];
      store(to + at, h);
      y += h * step.output[n];
    }
    store(step.y + i, y);
  }
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
