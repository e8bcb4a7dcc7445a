// SPDX-License-Identifier: Apache-2.0
// Matrix times lanes: y[lane, row] (+)= sum over k of W[row, k] x[lane, k], weights in panels (see dispatch.hpp).
//
// Rows of the matrix lie along the vector, so a weight vector is loaded once and serves every lane of a register block.
// Every output is one accumulator that walks k in order, whatever the number of lanes, panels or threads: the result
// for a lane does not depend, to the bit, on which lanes are computed with it. Few lanes get their independent
// accumulators from several panels at a time instead of from a split of k.
#pragma once

#include "loops/dispatch.hpp"
#include "loops/vector.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

constexpr int kPanelVectors = 2;
constexpr int kPanel = kPanelVectors * kFloats;        // rows of the matrix in a panel
constexpr int kMostLanes = kRegisters == 32 ? 12 : 6;  // 24 or 12 accumulators; the rest holds weights and inputs

struct Lanes {
  const float* x;
  ptrdiff_t x_stride;
  float* y;
  ptrdiff_t y_stride;
};

template <int kLanes, int kPanels>
static inline void multiply_block(const float* weights, ptrdiff_t panel_stride, ptrdiff_t columns, const Lanes& lanes,
                                  bool accumulate) {
  constexpr int kVectors = kPanels * kPanelVectors;
  Vector sum[kLanes][kVectors];
#pragma GCC unroll 12
  for (int lane = 0; lane < kLanes; ++lane) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      sum[lane][v] = accumulate ? load(lanes.y + lane * lanes.y_stride + v * kFloats) : Vector{};
    }
  }
  for (ptrdiff_t k = 0; k < columns; ++k) {
    const float* row = weights + k * kPanel;
    if constexpr (kPanels == 1) {  // the weights stay in registers, one input at a time
      const Vector low = load(row);
      const Vector high = load(row + kFloats);
#pragma GCC unroll 12
      for (int lane = 0; lane < kLanes; ++lane) {
        const Vector input = broadcast(lanes.x[lane * lanes.x_stride + k]);
        sum[lane][0] += low * input;
        sum[lane][1] += high * input;
      }
    } else {  // the inputs stay in registers, one weight vector at a time
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const Vector weight = load(row + v / kPanelVectors * panel_stride + v % kPanelVectors * kFloats);
#pragma GCC unroll 3
        for (int lane = 0; lane < kLanes; ++lane) sum[lane][v] += weight * lanes.x[lane * lanes.x_stride + k];
      }
    }
  }
#pragma GCC unroll 12
  for (int lane = 0; lane < kLanes; ++lane) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) store(lanes.y + lane * lanes.y_stride + v * kFloats, sum[lane][v]);
  }
}

// One to three lanes: kGroup panels at a time for eight or more accumulators, then the rest in smaller groups.
template <int kLanes, int kGroup>
static void multiply_few(Panels matrix, Lanes lanes, bool accumulate) {
  for (; matrix.count >= kGroup; matrix.count -= kGroup) {
    multiply_block<kLanes, kGroup>(matrix.data, matrix.stride, matrix.columns, lanes, accumulate);
    matrix.data += kGroup * matrix.stride;
    lanes.y += kGroup * kPanel;
  }
  if constexpr (kGroup > 1) multiply_few<kLanes, kGroup - 1>(matrix, lanes, accumulate);
}

using Block = void (*)(const float* weights, ptrdiff_t columns, const Lanes& lanes, bool accumulate);

template <int kLanes>
static void multiply_panel(const float* weights, ptrdiff_t columns, const Lanes& lanes, bool accumulate) {
  multiply_block<kLanes, 1>(weights, 0, columns, lanes, accumulate);
}

static const Block kBlocks[] = {
    nullptr,           multiply_panel<1>, multiply_panel<2>, multiply_panel<3>,  multiply_panel<4>,  multiply_panel<5>,
    multiply_panel<6>,
#if defined(__AVX512F__) || defined(__aarch64__)
    multiply_panel<7>, multiply_panel<8>, multiply_panel<9>, multiply_panel<10>, multiply_panel<11>, multiply_panel<12>,
#endif
};
static_assert(sizeof(kBlocks) / sizeof(kBlocks[0]) == kMostLanes + 1, "one block per number of lanes");

// Many lanes: a panel stays in cache while all lanes pass it, in blocks of nearly equal size.
static void multiply_many(const Panels& matrix, const Lanes& all, ptrdiff_t count, bool accumulate) {
  const ptrdiff_t blocks = (count + kMostLanes - 1) / kMostLanes;
  for (ptrdiff_t panel = 0; panel < matrix.count; ++panel) {
    for (ptrdiff_t block = 0; block < blocks; ++block) {
      const ptrdiff_t first = count * block / blocks;
      const ptrdiff_t last = count * (block + 1) / blocks;
      const Lanes lanes = {all.x + first * all.x_stride, all.x_stride, all.y + first * all.y_stride + panel * kPanel,
                           all.y_stride};
      kBlocks[last - first](matrix.data + panel * matrix.stride, matrix.columns, lanes, accumulate);
    }
  }
}

static void linear(const Panels& matrix, const float* x, int64_t x_stride, int64_t count, float* y, int64_t y_stride,
                   bool accumulate) {
  const Lanes lanes = {x, x_stride, y, y_stride};
  if (count == 1) return multiply_few<1, 4>(matrix, lanes, accumulate);
  if (count == 2) return multiply_few<2, 2>(matrix, lanes, accumulate);
  if (count == 3) return multiply_few<3, 2>(matrix, lanes, accumulate);
  multiply_many(matrix, lanes, count, accumulate);
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
