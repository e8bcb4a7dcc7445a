// SPDX-License-Identifier: Apache-2.0
// Which instruction set the hot loops run on, chosen once at run time.
//
// `Loops` is a table of plain functions; loops.cpp is compiled once per level and each copy fills one table.
// SERIALPROF_ISA=baseline|avx2|avx512 in the environment forces a level (an unavailable one is an error).
#pragma once

#include <cstddef>
#include <cstdint>

namespace serialprof {

constexpr int kChainOps = 64;       // dependent operations per lane in one step of the chain kernel
constexpr int kMapIterations = 16;  // dependent iterations per lane in one step of the map kernel

// A matrix W[rows, columns] cut into panels of Loops::panel_rows rows; missing rows of the last panel are zeros.
// W[row, k] stands at data[row / panel_rows * stride + k * panel_rows + place(row % panel_rows)]. Single precision has
// place(i) = i. A bf16 is the upper half of a single; rows i and i + panel_rows / 2 stand side by side, as the lower
// and the upper half of one word, so that widening takes one operation each.
template <typename Weight>
struct PanelsOf {
  const Weight* data;
  std::int64_t count;    // panels
  std::int64_t stride;   // weights from panel to panel
  std::int64_t columns;  // k runs over [0, columns)
  bool far = false;      // lies beyond the second-level cache: the loop then fetches ahead
};

constexpr std::int64_t kMostBeside = 4;

// Up to kMostBeside panels whose columns stand side by side: W[row, k] at data[k * count * panel_rows + row].
struct Bundle {
  const float* data;
  std::int64_t count;    // panels
  std::int64_t columns;  // k runs over [0, columns)
  bool far;              // see PanelsOf
};

constexpr int kScanTile = 16;  // channels that stand together in the recurrences

// One step of a selective state-space model. rates and h hold kScanTile channels of one state after the other:
// [channels / kScanTile, states, kScanTile].
struct SelectiveStep {
  const float* x;       // [channels]
  const float* delta;   // [channels]
  const float* input;   // [states], the same for all channels
  const float* output;  // [states]
  const float* rates;
  float* y;  // [channels]
  std::int64_t states;
};

// Bodies that attract each other. The vectors are [axis, body], with `stride` doubles from axis to axis.
struct Bodies {
  double* position;
  double* velocity;
  double* acceleration;
  const double* mass;
  std::int64_t count;
  std::int64_t stride;
  double softening;  // squared
  double half_step;  // dt / 2
};

constexpr std::int32_t kTableCell = 1 << 16;  // side of a cell of the billiard table

struct Table {
  std::int32_t side;
  std::int32_t radius;  // of a diamond: |u| + |w| < radius from a cell's centre
  std::int64_t stride;  // from x to y to vx to vy
};

constexpr int kMdpTile = 16;  // states that stand together in a Markov decision process, and sets of values

// A tile holds for each action kMdpTile rewards (float), then for each outcome kMdpTile weights (16 bits) and kMdpTile
// successors (16 bits where compact, else 32).
struct Mdp {
  const unsigned char* tiles;
  std::int64_t tile_bytes;
  std::int64_t actions;
  std::int64_t branching;
  float scale;  // discount over the sum of the weights
  bool compact;
};

constexpr std::int32_t kMostActions = 1 << 12;

// A model of a world for rollouts: ranks [states, actions], outcomes [states, actions, 1 + branching]: the reward, then
// the successors. A rank is the preference for an action times kMostActions, plus kMostActions - 1 - action: so the
// largest rank also names the first of the most preferred actions, and no branch has to be guessed.
struct World {
  const std::int32_t* ranks;
  const std::int32_t* outcomes;
  std::int64_t states;
  std::int64_t actions;
  std::int64_t branching;
};
using Panels = PanelsOf<float>;
using Bf16Panels = PanelsOf<std::uint16_t>;
// Neighbouring vectors of a ring in strips (native/strips.hpp), and what one generation reads and writes beside them.
struct RingPart {
  const std::uint64_t* before;  // the vector before the first
  const std::uint64_t* in;
  const std::uint64_t* behind;  // the vector behind the last
  std::uint64_t* out;           // may be in
  std::int64_t vectors;         // at least one
  std::uint64_t* first;         // copies of the new first and last vector, for the neighbours;
  std::uint64_t* last;
  bool starts_ring;  // the copy of the first is for the ring's last part: rotated down by one bit
  bool ends_ring;    // the copy of the last is for the ring's first part: rotated up by one bit
};

constexpr int kCircuitTile = 64;  // the arrays of a layer are whole tiles of gates; what is beyond its width is unused

// Gates [first, last) of a layer of a circuit, sums before `products` and products from there on. left and right are
// indices of gates of the layer before.
struct CircuitGates {
  const std::uint32_t* left;
  const std::uint32_t* right;
  std::int64_t first;     // a whole number of cache lines
  std::int64_t products;  // in [first, last]
  std::int64_t last;
  std::int64_t width;  // of both layers
};

// Upwards; downwards; pieces of 16 KiB from the last to the first, each upwards; or four quarters abreast, upwards.
enum class WordOrder { kUp, kDown, kPieces, kAbreast };

enum FactOperation : std::int32_t { kAddFacts, kSubtractFacts, kMultiplyFacts };

struct Loops {
  const char* name;

  // chain and the machine's limits (loops/throughput.hpp)
  bool fused;  // whether a multiply-add is one instruction, rounded once
  void (*fma_lanes)(const double* from, double* to, std::int64_t count, double factor, double term);
  double (*fma_chain)(double value, std::int64_t count);  // one multiply-add after the other; stays near 1.5
  // words: aligned to 64 bytes, and a multiple of 64 bytes of them
  std::uint64_t (*sum_words)(const std::uint64_t* words, std::int64_t count, WordOrder order);
  void (*step_words)(std::uint64_t* words, std::int64_t count, WordOrder order);  // adds one to every word, in place
  double (*fma_flops_per_round)();
  void (*fma_rounds)(std::int64_t rounds);
  double (*word_ops_per_round)();
  void (*word_rounds)(std::int64_t rounds);

  // Linear algebra and activations (loops/linear.hpp, loops/activation.hpp), in single precision.
  std::int64_t panel_rows;
  // y[lane, row] = (accumulate ? y[lane, row] : 0) + sum of W[row, k] x[lane, k], for all rows of whole panels.
  // A lane's result does not depend on the other lanes, to the bit.
  void (*linear)(const Panels& matrix, const float* x, std::int64_t x_stride, std::int64_t lanes, float* y,
                 std::int64_t y_stride, bool accumulate);
  // The same with weights in bf16, widened to singles: to the bit what `linear` makes of the same values.
  void (*linear_bf16)(const Bf16Panels& matrix, const float* x, std::int64_t x_stride, std::int64_t lanes, float* y,
                      std::int64_t y_stride, bool accumulate);
  // The same for one lane and a bundle (loops/bundle.hpp): to the bit what `linear` makes of the same weights.
  void (*linear_bundle)(const Bundle& bundle, const float* x, float* y, bool accumulate);
  // Recurrent cells (loops/cells.hpp): the update of panel_rows units of one lane. A panel for each gate: in `gates`
  // the sums of both products or, where a cell takes the two apart (GRU), the products with the input, and in `states`
  // those with the state; then the bias has panels for both, too. `before` is the hidden state so far, `cell` the state
  // beside it (LSTM), replaced in place. What a cell does not use may be nullptr.
  using CellLoop = void (*)(const float* gates, const float* states, const float* bias, const float* before,
                            float* cell, float* hidden);
  CellLoop rnn_cell, gru_cell, lstm_cell;
  // scores[0, count) = softmax(scale * scores), scores[count, padded) = 0; padded is a multiple of panel_rows.
  void (*softmax)(float* scores, std::int64_t count, std::int64_t padded, float scale);
  // y = gain x / sqrt(mean(x^2) + epsilon); reads and writes whole vectors, x and gain zero beyond count.
  void (*rms_norm)(const float* x, const float* gain, std::int64_t count, float epsilon, float* y);
  void (*relu)(float* values, std::int64_t count);                  // in place, whole vectors
  std::int64_t (*argmax)(const float* values, std::int64_t count);  // the first of the largest

  // Cellular automata (loops/automata.hpp) on vectors of bit_words words, aligned to their size.
  std::int64_t bit_words;
  // One generation of an elementary automaton; the index is its Wolfram number, 0 to 255.
  void (*const* elementary)(const RingPart& part);
  // Copies vectors, the bits of each rotated by one place: to the next higher (up) or lower bit.
  void (*rotate_vectors)(const std::uint64_t* from, std::uint64_t* to, std::int64_t vectors, bool up);
  // One generation of a column; above its first and below its last vector lie the neighbours.
  void (*life_column)(const std::uint64_t* left, const std::uint64_t* here, const std::uint64_t* right,
                      std::uint64_t* out, std::int64_t rows);

  // Linear recurrences (loops/recurrence.hpp); counts are multiples of kScanTile, and `to` may be `from`.
  void (*scan_linear)(const float* decay, const float* input, const float* from, float* to, std::int64_t count);
  // h <- exp(delta rate) h + delta x input, y = sum over the states of output h: channels [first, first + count).
  void (*scan_selective)(const SelectiveStep& step, const float* from, float* to, std::int64_t first,
                         std::int64_t count);

  // Bodies and balls (loops/nbody.hpp, loops/billiards.hpp): [first, first + count), rounded up to whole vectors
  void (*leapfrog_drift)(const Bodies& bodies, const double* from, std::int64_t first, std::int64_t count);
  void (*leapfrog_kick)(const Bodies& bodies, std::int64_t first, std::int64_t count);
  void (*billiards)(const Table& table, const std::int32_t* from, std::int32_t* to, std::int64_t first,
                    std::int64_t count, bool moving);

  // Markov decision processes (loops/decision.hpp, loops/rollout.hpp)
  void (*backup)(const Mdp& mdp, const float* values, float* next, std::int64_t first, std::int64_t count);
  void (*backup_many)(const Mdp& mdp, const float* values, float* next, std::int64_t first, std::int64_t count);
  void (*rollout)(const World& world, std::int32_t* states, std::int64_t* returns, std::int64_t first,
                  std::int64_t last, std::uint32_t key, bool drawn);
  // Exact integers (loops/modular.hpp); values modulo 2^31 - 1 are below it.
  void (*circuit_gates)(const CircuitGates& gates, const std::uint32_t* in, std::uint32_t* out, bool reversible);
  // out[lane] = a[lane] op b[lane]; out overlaps neither.
  void (*facts)(std::int32_t operation, const std::uint32_t* a, const std::uint32_t* b, std::uint32_t* out,
                std::int64_t lanes);
  // kMapIterations of the logistic map on `lanes` lanes, rounded up to whole vectors of bit_words; from may be to.
  void (*logistic)(const std::uint64_t* from, std::uint64_t* to, std::int64_t lanes);
  // A sweep over 16 sudokus side by side (loops/sudoku.hpp): cells [81, 16], status [3, 16]; aligned to 32 bytes.
  void (*sudoku_sweep)(std::uint16_t* cells, std::uint16_t* status);
};

// The levels that there are, least first.
constexpr const char* kLevels[] = {"baseline", "avx2", "avx512"};

// The table of a level, nullptr where this processor or this build does not have it.
const Loops* loops_named(const char* level);

// The table for this machine (or for the level that the environment forces). Throws std::runtime_error for a level that
// this processor or this build does not have.
const Loops& loops();

}  // namespace serialprof
