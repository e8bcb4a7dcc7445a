// SPDX-License-Identifier: Apache-2.0
// A small pre-norm transformer, its weights in single precision or bf16 and all else in single precision, run by a team
// over any number of positions at once.
//
//   x = embedding[token] + positions[position]
//   per layer:  x += W_out attention(W_qkv norm(x));  x += W_down relu(W_up norm(x))
//   logits = W_head norm(x)
//
// norm is RMS norm with a gain; attention is causal, multi-head, scaled by 1 / sqrt(head size), over a cache of keys
// and values. Because the products are the same to the bit for any number of lanes (loops/linear.hpp), one position at
// a time and all positions at once give the same logits.
#pragma once

#include <vector>

#include "matrix.hpp"
#include "random.hpp"

namespace serialprof {

struct Shape {
  std::int64_t model_dim, layers, heads, vocabulary;
  std::int64_t positions;  // that the cache holds, per lane
  std::int64_t width;      // lanes
  Precision precision = Precision::fp32;

  std::int64_t head_dim() const noexcept { return model_dim / heads; }
  std::int64_t mlp_dim() const noexcept { return 4 * model_dim; }
  // Of the weights that a step reads.
  std::int64_t weight_bytes() const noexcept {
    const std::int64_t bytes = precision == Precision::bf16 ? 2 : 4;
    return product({bytes, model_dim, 12 * layers * model_dim + vocabulary});
  }
};

struct Layer {
  Buffer<float> attention_gain, mlp_gain;  // [model_dim], padded with zeros
  Matrix qkv;                              // [3 * model_dim, model_dim]: queries, keys, values, each head by head
  Matrix out;                              // [model_dim, model_dim]
  Matrix up;                               // [mlp_dim, model_dim]
  Matrix down;                             // [model_dim, mlp_dim]
};

// Rows that are looked up, in single precision.
struct Lookup {
  std::int64_t rows, columns, stride;
  Buffer<float> data;

  const float* row(std::int64_t index) const noexcept { return data.data() + index * stride; }
};

// Everything that is drawn from the seed.
struct Weights {
  Weights(const Shape& shape, Random& random);
  static void count(const Shape& shape, FloatBudget& budget);

  Lookup embedding;  // [vocabulary, model_dim]
  Lookup positions;  // [positions, model_dim]
  std::vector<Layer> layers;
  Buffer<float> final_gain;
  Matrix head;  // [vocabulary, model_dim]
};

// Keys and values of every layer, lane and head, in panels, so that both products of attention are `linear`: keys with
// positions as rows, values with head entries as rows and positions as columns.
class Cache {
 public:
  explicit Cache(const Shape& shape);
  static void count(const Shape& shape, FloatBudget& budget);

  void write(std::int64_t layer, std::int64_t lane, std::int64_t head, std::int64_t position, const float* key,
             const float* value);
  void copy_lane(std::int64_t from, std::int64_t to);
  Panels keys(std::int64_t layer, std::int64_t lane, std::int64_t head, std::int64_t length) const;
  Panels values(std::int64_t layer, std::int64_t lane, std::int64_t head, std::int64_t length) const;

 private:
  std::int64_t key_floats() const { return round_up(shape_.positions, loops().panel_rows) * shape_.head_dim(); }
  std::int64_t value_floats() const { return round_up(shape_.head_dim(), loops().panel_rows) * shape_.positions; }
  std::int64_t place(std::int64_t layer, std::int64_t lane, std::int64_t head) const {
    return (layer * shape_.width + lane) * shape_.heads + head;
  }

  Shape shape_;
  Buffer<float> keys_, values_;
};

// Rows of activations for one pass, and the scratch of each thread.
struct Activations {
  Activations(const Shape& shape, std::int64_t rows, int threads);
  static void count(const Shape& shape, std::int64_t rows, int threads, FloatBudget& budget);

  std::int64_t rows;
  std::int64_t model_stride, qkv_stride, mlp_stride, logits_stride, scores_stride, head_stride;
  Buffer<float> x, qkv, attended, mlp, logits;  // [rows, stride]
  Buffer<float> normed;                         // per thread [rows, model_stride]
  Buffer<float> scores, head_out;               // per thread [kQueryBlock, stride]
};

// Positions that pass the model together: `queries` consecutive ones of each of some lanes.
struct Pass {
  std::int64_t first_lane, lanes, queries;
  std::int64_t position;       // of the first query
  const std::int32_t* tokens;  // of query q of lane l (counted from first_lane): tokens[l * token_stride + q]
  std::int64_t token_stride;

  std::int64_t rows() const noexcept { return lanes * queries; }  // row = lane * queries + query
};

class Transformer {
 public:
  Transformer(const Shape& shape, Random& random) : shape_(shape), weights_(shape, random), cache_(shape) {}

  // Entered by all threads. Keys and values of the pass are in the cache afterwards, its last hidden state in act.x.
  // Barriers: 1 + 5 per layer.
  void forward(const Pass& pass, Activations& act, Member& member);
  // After forward(): greedy tokens, chosen[lane * stride + query]. One barrier; a thread chooses for the rows that it
  // embeds in a pass with as many rows, so that no barrier is needed before it embeds them.
  void choose(const Pass& pass, Activations& act, Member& member, std::int32_t* chosen, std::int64_t stride);

  // Gives a lane the cached keys and values of another one.
  void copy_lane(std::int64_t from, std::int64_t to) { cache_.copy_lane(from, to); }

  const Weights& weights() const noexcept { return weights_; }

 private:
  void embed(const Pass& pass, Activations& act, const Member& member) const;
  void attend(const Pass& pass, Activations& act, const Member& member, std::int64_t layer);
  void attend_head(const Pass& pass, Activations& act, int rank, std::int64_t layer, std::int64_t lane,
                   std::int64_t head);
  // This thread's copy of the normed rows: every thread makes its own, which costs less than a barrier.
  const float* norm(const Pass& pass, Activations& act, const Member& member, const Buffer<float>& gain) const;

  Shape shape_;
  Weights weights_;
  Cache cache_;
};

}  // namespace serialprof
