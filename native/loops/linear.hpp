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
constexpr ptrdiff_t kChunk = 128;  // columns of a panel that stay in a first-level cache while many lanes pass them

struct Lanes {
  const float* x;
  ptrdiff_t x_stride;
  float* y;
  ptrdiff_t y_stride;
};

// The panel's entries in one column of the matrix.
struct Column {
  Vector low, high;
};

static inline Column load_column(const float* from) { return {load(from), load(from + kFloats)}; }

// Widened exactly: a single whose lower 16 bits are zeros.
static inline Column load_column(const uint16_t* from) {
  typedef int32_t Words __attribute__((vector_size(kFloats * 4), aligned(4), may_alias));
  const Integers both = *reinterpret_cast<const Words*>(from);
  return {reinterpret_cast<Vector>(both << 16), reinterpret_cast<Vector>(both & -0x10000)};
}

template <int kLanes, int kPanels, typename Weight>
static inline void multiply_block(const Weight* weights, ptrdiff_t panel_stride, ptrdiff_t columns, const Lanes& lanes,
                                  bool accumulate, const Weight* ahead, ptrdiff_t ahead_columns) {
  constexpr int kVectors = kPanels * kPanelVectors;
  Vector sum[kLanes][kVectors];
#pragma GCC unroll 12
  for (int lane = 0; lane < kLanes; ++lane) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      sum[lane][v] = accumulate ? load(lanes.y + lane * lanes.y_stride + v * kFloats) : Vector{};
    }
  }
  const auto add_column = [&](ptrdiff_t k) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int panel = 0; panel < kPanels; ++panel) {
      const Column weight = load_column(weights + panel * panel_stride + k * kPanel);
#pragma GCC unroll 12
      for (int lane = 0; lane < kLanes; ++lane) {
        const Vector input = broadcast(lanes.x[lane * lanes.x_stride + k]);
        sum[lane][2 * panel] += weight.low * input;
        sum[lane][2 * panel + 1] += weight.high * input;
      }
    }
  };
  ptrdiff_t k = 0;
  for (; k < ahead_columns; ++k) {
    __builtin_prefetch(ahead + k * kPanel);
    add_column(k);
  }
  for (; k < columns; ++k) add_column(k);
#pragma GCC unroll 12
  for (int lane = 0; lane < kLanes; ++lane) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) store(lanes.y + lane * lanes.y_stride + v * kFloats, sum[lane][v]);
  }
}

// One to three lanes: kGroup panels at a time for eight or more accumulators, then the rest in smaller groups.
template <int kLanes, int kGroup, typename Weight>
static void multiply_few(PanelsOf<Weight> matrix, Lanes lanes, bool accumulate) {
  for (; matrix.count >= kGroup; matrix.count -= kGroup) {
    multiply_block<kLanes, kGroup>(matrix.data, matrix.stride, matrix.columns, lanes, accumulate, matrix.data, 0);
    matrix.data += kGroup * matrix.stride;
    lanes.y += kGroup * kPanel;
  }
  if constexpr (kGroup > 1) multiply_few<kLanes, kGroup - 1>(matrix, lanes, accumulate);
}

// A chunk of a panel for a block of lanes; the first `ahead_columns` columns from `ahead` on are fetched meanwhile.
template <typename Weight>
using Block = void (*)(const Weight* weights, ptrdiff_t columns, const Lanes& lanes, bool accumulate,
                       const Weight* ahead, ptrdiff_t ahead_columns);

template <int kLanes, typename Weight>
static void multiply_panel(const Weight* weights, ptrdiff_t columns, const Lanes& lanes, bool accumulate,
                           const Weight* ahead, ptrdiff_t ahead_columns) {
  multiply_block<kLanes, 1>(weights, 0, columns, lanes, accumulate, ahead, ahead_columns);
}

template <typename Weight>
static constexpr Block<Weight> kBlocks[] = {
    nullptr,
    multiply_panel<1, Weight>,
    multiply_panel<2, Weight>,
    multiply_panel<3, Weight>,
    multiply_panel<4, Weight>,
    multiply_panel<5, Weight>,
    multiply_panel<6, Weight>,
#if defined(__AVX512F__) || defined(__aarch64__)
    multiply_panel<7, Weight>,
    multiply_panel<8, Weight>,
    multiply_panel<9, Weight>,
    multiply_panel<10, Weight>,
    multiply_panel<11, Weight>,
    multiply_panel<12, Weight>,
#endif
};
static_assert(sizeof(kBlocks<float>) / sizeof(kBlocks<float>[0]) == kMostLanes + 1, "one block per number of lanes");

// Many lanes: a chunk of a panel stays in cache while all lanes pass it, in blocks of nearly equal size, and the next
// one comes meanwhile, each block fetching its part: without that the first block alone would wait for memory.
template <typename Weight>
static void multiply_many(const PanelsOf<Weight>& matrix, const Lanes& all, ptrdiff_t count, bool accumulate) {
  const ptrdiff_t blocks = (count + kMostLanes - 1) / kMostLanes;
  for (ptrdiff_t panel = 0; panel < matrix.count; ++panel) {
    for (ptrdiff_t from = 0; from < matrix.columns; from += kChunk) {
      const ptrdiff_t columns = matrix.columns - from < kChunk ? matrix.columns - from : kChunk;
      const Weight* weights = matrix.data + panel * matrix.stride + from * kPanel;
      const bool ends = from + columns == matrix.columns;
      const bool ahead = matrix.far && !(ends && panel + 1 == matrix.count);
      const Weight* next = ends ? matrix.data + (panel + 1) * matrix.stride : weights + columns * kPanel;
      for (ptrdiff_t block = 0; block < blocks; ++block) {
        const ptrdiff_t first = count * block / blocks;
        const ptrdiff_t last = count * (block + 1) / blocks;
        const Lanes lanes = {all.x + first * all.x_stride + from, all.x_stride,
                             all.y + first * all.y_stride + panel * kPanel, all.y_stride};
        const ptrdiff_t part = columns * block / blocks;
        kBlocks<Weight>[last - first](weights, columns, lanes, accumulate || from > 0, next + part* kPanel,
                                      ahead ? columns*(block + 1) / blocks - part : 0);
      }
    }
  }
}

template <typename Weight>
static void multiply(const PanelsOf<Weight>& matrix, const float* x, int64_t x_stride, int64_t count, float* y,
                     int64_t y_stride, bool accumulate) {
  const Lanes lanes = {x, x_stride, y, y_stride};
  if (count == 1) return multiply_few<1, 4>(matrix, lanes, accumulate);
  if (count == 2) return multiply_few<2, 2>(matrix, lanes, accumulate);
  if (count == 3) return multiply_few<3, 2>(matrix, lanes, accumulate);
  multiply_many(matrix, lanes, count, accumulate);
}

static void linear(const Panels& matrix, const float* x, int64_t x_stride, int64_t count, float* y, int64_t y_stride,
                   bool accumulate) {
  multiply(matrix, x, x_stride, count, y, y_stride, accumulate);
}

static void linear_bf16(const Bf16Panels& matrix, const float* x, int64_t x_stride, int64_t count, float* y,
                        int64_t y_stride, bool accumulate) {
  multiply(matrix, x, x_stride, count, y, y_stride, accumulate);
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
