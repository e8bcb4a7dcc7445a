// SPDX-License-Identifier: Apache-2.0
// Inputs of several steps projected together, which reads W_ih once for all of them: whoever knows a sequence
// beforehand can do so, a network that is fed its own output cannot.
#pragma once

#include <algorithm>

#include "inputring.hpp"
#include "matrix.hpp"

namespace serialprof {

// Gates, or other values of hidden units: a row for each lane.
struct GateRows {
  float* data;
  std::int64_t stride;
};

// The products for a tile of lanes and panels. They lie as the steps read them: step by step, then lane by lane.
class Projection {
 public:
  // For at most `steps` steps; the pieces of `tile` are panels.
  Projection(const Tile& tile, std::int64_t steps)
      : tile_(tile), stride_(stride_of(tile)), rows_(product({steps, lanes(), stride_})) {}

  static std::int64_t stride_of(const Tile& tile) {
    return row_stride((tile.last_piece - tile.first_piece) * loops().panel_rows);
  }

  // Projects the inputs of steps [first_step, first_step + steps); gathered: scratch, kLaneBlock rows of inputs.
  void make(const Matrix& weights, const InputRing& inputs, std::int64_t first_step, std::int64_t steps,
            float* gathered) {
    const Sequence sequence{first_step, tile_.first_lane, lanes()};
    const std::int64_t all = steps * lanes();
    const std::int64_t blocks = (all + kLaneBlock - 1) / kLaneBlock;
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t first = all * block / blocks;
      const std::int64_t count = all * (block + 1) / blocks - first;
      inputs.gather(sequence, first, count, gathered);
      weights.multiply(tile_.first_piece, tile_.last_piece, gathered, inputs.stride(), count,
                       rows_.data() + first * stride_, stride_, false);
    }
  }

  // Of step `step` of those that were projected, from panel `panel` on.
  GateRows at(std::int64_t step, std::int64_t panel) noexcept {
    return {rows_.data() + step * lanes() * stride_ + (panel - tile_.first_piece) * loops().panel_rows, stride_};
  }

 private:
  std::int64_t lanes() const noexcept { return tile_.last_lane - tile_.first_lane; }

  Tile tile_;
  std::int64_t stride_;
  Buffer<float> rows_;  // [steps, lanes, stride]
};

}  // namespace serialprof
