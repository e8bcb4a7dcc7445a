// SPDX-License-Identifier: Apache-2.0
// Matrix times one lane, some panels side by side (Bundle in dispatch.hpp): the same sums in the same order as in
// linear.hpp, but the weights are read as a single stream. Prefetchers follow one stream further than the several of
// panels that lie one behind the other, each of which ends after a few pages; and they follow it as long as its lines
// come in their order.
#pragma once

#include "loops/dispatch.hpp"
#include "loops/linear.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

constexpr ptrdiff_t kFetchedColumns = 4;  // ahead of the one that is multiplied

template <int kPanels, bool kFetch>
static void multiply_bundle(const Bundle& bundle, const float* x, float* y, bool accumulate) {
  constexpr int kVectors = kPanels * kPanelVectors;
  Vector sum[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) sum[v] = accumulate ? load(y + v * kFloats) : Vector{};
  const float* weights = bundle.data;
  for (ptrdiff_t k = 0; k < bundle.columns; ++k, weights += kPanels * kPanel) {
    if constexpr (kFetch) {
      constexpr int kLine = 16;  // floats
#pragma GCC unroll 8
      for (int at = 0; at < kPanels * kPanel; at += kLine) {
        __builtin_prefetch(weights + kFetchedColumns * kPanels * kPanel + at);
      }
    }
    const Vector input = broadcast(x[k]);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      sum[v] += load(weights + v * kFloats) * input;
      asm volatile("" ::: "memory");  // in the order of their lines, whatever the compiler prefers: see above
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) store(y + v * kFloats, sum[v]);
}

static void linear_bundle(const Bundle& bundle, const float* x, float* y, bool accumulate) {
  static constexpr decltype(&linear_bundle) kLoops[2][kMostBeside] = {
      {multiply_bundle<1, false>, multiply_bundle<2, false>, multiply_bundle<3, false>, multiply_bundle<4, false>},
      {multiply_bundle<1, true>, multiply_bundle<2, true>, multiply_bundle<3, true>, multiply_bundle<4, true>},
  };
  kLoops[bundle.far][bundle.count - 1](bundle, x, y, accumulate);
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
