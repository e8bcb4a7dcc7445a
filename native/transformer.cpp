// SPDX-License-Identifier: Apache-2.0
#include "transformer.hpp"

#include <algorithm>
#include <cmath>

namespace serialprof {

namespace {

constexpr std::int64_t kQueryBlock = 16;  // queries of a head that attend together
constexpr float kEpsilon = 1e-5f;
const float kUnit = std::sqrt(3.0f);  // bound of the uniform distribution with variance 1

// Keeps the variance of its input.
Matrix draw_product(std::int64_t rows, std::int64_t columns, const Storage& storage, Random& random) {
  const float bound = kUnit / std::sqrt(static_cast<float>(columns));
  Matrix matrix(rows, columns, storage);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t k = 0; k < columns; ++k) matrix.set(row, k, random.uniform(bound));
  }
  return matrix;
}

Lookup draw_table(std::int64_t rows, std::int64_t columns, Precision precision, Random& random) {
  Lookup table{rows, columns, row_stride(columns), Buffer<float>(rows * row_stride(columns))};
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t k = 0; k < columns; ++k) {
      table.data[row * table.stride + k] = kept(random.uniform(kUnit), precision);
    }
  }
  return table;
}

Buffer<float> draw_gain(std::int64_t size, Precision precision, Random& random) {
  Buffer<float> gain(row_stride(size));
  for (std::int64_t i = 0; i < size; ++i) gain[i] = kept(1.0f + random.uniform(0.5f), precision);
  return gain;
}

// y (+)= matrix x for this thread's tiles; then visits each row's columns that it wrote.
template <typename Visit>
void multiply(const Matrix& matrix, const float* x, std::int64_t x_stride, std::int64_t rows, float* y,
              std::int64_t y_stride, bool accumulate, const Member& member, Visit visit) {
  const std::int64_t panel = loops().panel_rows;
  for_each_tile(member, rows, matrix.panel_count(), [&](const Tile& tile) {
    float* corner = y + tile.first_lane * y_stride + tile.first_piece * panel;
    const std::int64_t lanes = tile.last_lane - tile.first_lane;
    matrix.multiply(tile.first_piece, tile.last_piece, x + tile.first_lane * x_stride, x_stride, lanes, corner,
                    y_stride, accumulate);
    const std::int64_t columns = (tile.last_piece - tile.first_piece) * panel;
    for (std::int64_t lane = 0; lane < lanes; ++lane) visit(corner + lane * y_stride, columns);
  });
}

void keep(float*, std::int64_t) {}

}  // namespace

Weights::Weights(const Shape& shape, Random& random)
    : embedding(draw_table(shape.vocabulary, shape.model_dim, shape.precision, random)),
      positions(draw_table(shape.positions, shape.model_dim, shape.precision, random)) {
  const std::int64_t dim = shape.model_dim;
  const Storage storage{shape.precision, shape.weight_bytes() > kNearBytes};
  for (std::int64_t i = 0; i < shape.layers; ++i) {
    Layer layer;
    layer.attention_gain = draw_gain(dim, shape.precision, random);
    layer.qkv = draw_product(3 * dim, dim, storage, random);
    layer.out = draw_product(dim, dim, storage, random);
    layer.mlp_gain = draw_gain(dim, shape.precision, random);
    layer.up = draw_product(shape.mlp_dim(), dim, storage, random);
    layer.down = draw_product(dim, shape.mlp_dim(), storage, random);
    layers.push_back(std::move(layer));
  }
  final_gain = draw_gain(dim, shape.precision, random);
  head = draw_product(shape.vocabulary, dim, storage, random);
}

void Weights::count(const Shape& shape, FloatBudget& budget) {
  const std::int64_t panel = loops().panel_rows;
  const std::int64_t dim = round_up(shape.model_dim, panel);
  const std::int64_t per_float = shape.precision == Precision::bf16 ? 2 : 1;
  budget.add({round_up(shape.vocabulary, panel) / per_float, dim});
  budget.add({12 / per_float, shape.layers, dim, dim});
  budget.add({shape.vocabulary + shape.positions + 2 * shape.layers + 1, row_stride(shape.model_dim)});
}

Cache::Cache(const Shape& shape)
    : shape_(shape),
      keys_(shape.layers * shape.width * shape.heads * key_floats()),
      values_(shape.layers * shape.width * shape.heads * value_floats()) {}

void Cache::count(const Shape& shape, FloatBudget& budget) {
  const std::int64_t panel = loops().panel_rows;
  const std::int64_t heads = product({shape.layers, shape.width, shape.heads});
  budget.add({heads, round_up(shape.positions, panel), shape.head_dim()});
  budget.add({heads, round_up(shape.head_dim(), panel), shape.positions});
}

void Cache::write(std::int64_t layer, std::int64_t lane, std::int64_t head, std::int64_t position, const float* key,
                  const float* value) {
  const std::int64_t panel = loops().panel_rows;
  const std::int64_t head_dim = shape_.head_dim();
  float* keys = keys_.data() + place(layer, lane, head) * key_floats() + position / panel * panel * head_dim;
  for (std::int64_t k = 0; k < head_dim; ++k) keys[k * panel + position % panel] = key[k];
  float* values = values_.data() + place(layer, lane, head) * value_floats() + position * panel;
  for (std::int64_t row = 0; row < head_dim; row += panel) {
    std::copy_n(value + row, std::min(panel, head_dim - row), values + row * shape_.positions);
  }
}

void Cache::copy_lane(std::int64_t from, std::int64_t to) {
  for (std::int64_t layer = 0; layer < shape_.layers; ++layer) {
    const std::int64_t source = place(layer, from, 0), target = place(layer, to, 0);
    std::copy_n(keys_.data() + source * key_floats(), shape_.heads * key_floats(),
                keys_.data() + target * key_floats());
    std::copy_n(values_.data() + source * value_floats(), shape_.heads * value_floats(),
                values_.data() + target * value_floats());
  }
}

Panels Cache::keys(std::int64_t layer, std::int64_t lane, std::int64_t head, std::int64_t length) const {
  const std::int64_t panel = loops().panel_rows;
  return Panels{keys_.data() + place(layer, lane, head) * key_floats(), (length + panel - 1) / panel,
                panel * shape_.head_dim(), shape_.head_dim()};
}

Panels Cache::values(std::int64_t layer, std::int64_t lane, std::int64_t head, std::int64_t length) const {
  const std::int64_t panel = loops().panel_rows;
  return Panels{values_.data() + place(layer, lane, head) * value_floats(), (shape_.head_dim() + panel - 1) / panel,
                panel * shape_.positions, length};
}

Activations::Activations(const Shape& shape, std::int64_t the_rows, int threads)
    : rows(the_rows),
      model_stride(row_stride(shape.model_dim)),
      qkv_stride(row_stride(3 * shape.model_dim)),
      mlp_stride(row_stride(shape.mlp_dim())),
      logits_stride(row_stride(shape.vocabulary)),
      scores_stride(row_stride(shape.positions)),
      head_stride(row_stride(shape.head_dim())),
      x(rows * model_stride),
      qkv(rows * qkv_stride),
      attended(rows * model_stride),
      mlp(rows * mlp_stride),
      logits(rows * logits_stride),
      normed(threads * rows * model_stride),
      scores(threads * kQueryBlock * scores_stride),
      head_out(threads * kQueryBlock * head_stride) {}

void Activations::count(const Shape& shape, std::int64_t rows, int threads, FloatBudget& budget) {
  const std::int64_t dim = row_stride(shape.model_dim);
  budget.add({rows, (2 + threads) * dim + row_stride(3 * shape.model_dim) + row_stride(shape.mlp_dim())});
  budget.add({rows, row_stride(shape.vocabulary)});
  budget.add({threads, kQueryBlock, row_stride(shape.positions) + row_stride(shape.head_dim())});
}

void Transformer::forward(const Pass& pass, Activations& act, Member& member) {
  embed(pass, act, member);
  member.barrier();
  for (std::int64_t i = 0; i < shape_.layers; ++i) {
    const Layer& layer = weights_.layers[static_cast<std::size_t>(i)];
    const float* normed = norm(pass, act, member, layer.attention_gain);
    multiply(layer.qkv, normed, act.model_stride, pass.rows(), act.qkv.data(), act.qkv_stride, false, member, keep);
    member.barrier();
    attend(pass, act, member, i);
    member.barrier();
    multiply(layer.out, act.attended.data(), act.model_stride, pass.rows(), act.x.data(), act.model_stride, true,
             member, keep);
    member.barrier();
    normed = norm(pass, act, member, layer.mlp_gain);
    multiply(layer.up, normed, act.model_stride, pass.rows(), act.mlp.data(), act.mlp_stride, false, member,
             loops().relu);
    member.barrier();
    multiply(layer.down, act.mlp.data(), act.mlp_stride, pass.rows(), act.x.data(), act.model_stride, true, member,
             keep);
    member.barrier();
  }
}

void Transformer::choose(const Pass& pass, Activations& act, Member& member, std::int32_t* chosen,
                         std::int64_t stride) {
  const float* normed = norm(pass, act, member, weights_.final_gain);
  multiply(weights_.head, normed, act.model_stride, pass.rows(), act.logits.data(), act.logits_stride, false, member,
           keep);
  member.barrier();
  std::int64_t first, last;
  member.share(pass.rows(), 1, &first, &last);
  for (std::int64_t row = first; row < last; ++row) {
    chosen[row / pass.queries * stride + row % pass.queries] =
        static_cast<std::int32_t>(loops().argmax(act.logits.data() + row * act.logits_stride, shape_.vocabulary));
  }
}

void Transformer::embed(const Pass& pass, Activations& act, const Member& member) const {
  std::int64_t first, last;
  member.share(pass.rows(), 1, &first, &last);
  for (std::int64_t row = first; row < last; ++row) {
    const std::int64_t query = row % pass.queries;
    const std::int64_t token = pass.tokens[row / pass.queries * pass.token_stride + query];
    float* x = act.x.data() + row * act.model_stride;
    const float* meaning = weights_.embedding.row(token);
    const float* place = weights_.positions.row(pass.position + query);
    for (std::int64_t k = 0; k < shape_.model_dim; ++k) x[k] = meaning[k] + place[k];
  }
}

const float* Transformer::norm(const Pass& pass, Activations& act, const Member& member,
                               const Buffer<float>& gain) const {
  float* normed = act.normed.data() + member.rank * act.rows * act.model_stride;
  for (std::int64_t row = 0; row < pass.rows(); ++row) {
    const std::int64_t place = row * act.model_stride;
    loops().rms_norm(act.x.data() + place, gain.data(), shape_.model_dim, kEpsilon, normed + place);
  }
  return normed;
}

void Transformer::attend(const Pass& pass, Activations& act, const Member& member, std::int64_t layer) {
  std::int64_t first, last;
  member.share(pass.lanes * shape_.heads, 1, &first, &last);
  for (std::int64_t item = first; item < last; ++item) {
    attend_head(pass, act, member.rank, layer, item / shape_.heads, item % shape_.heads);
  }
}

// lane counts from pass.first_lane.
void Transformer::attend_head(const Pass& pass, Activations& act, int rank, std::int64_t layer, std::int64_t lane,
                              std::int64_t head) {
  const std::int64_t head_dim = shape_.head_dim();
  const std::int64_t cached_lane = pass.first_lane + lane;
  const float* queries = act.qkv.data() + lane * pass.queries * act.qkv_stride + head * head_dim;
  for (std::int64_t query = 0; query < pass.queries; ++query) {
    const float* key = queries + query * act.qkv_stride + shape_.model_dim;
    cache_.write(layer, cached_lane, head, pass.position + query, key, key + shape_.model_dim);
  }
  float* scores = act.scores.data() + rank * kQueryBlock * act.scores_stride;
  float* head_out = act.head_out.data() + rank * kQueryBlock * act.head_stride;
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  for (std::int64_t first = 0; first < pass.queries; first += kQueryBlock) {
    const std::int64_t count = std::min(kQueryBlock, pass.queries - first);
    const std::int64_t length = pass.position + first + count;  // the last query sees all, the others less
    loops().linear(cache_.keys(layer, cached_lane, head, length), queries + first * act.qkv_stride, act.qkv_stride,
                   count, scores, act.scores_stride, false);
    for (std::int64_t query = 0; query < count; ++query) {
      loops().softmax(scores + query * act.scores_stride, pass.position + first + query + 1,
                      round_up(length, loops().panel_rows), scale);
    }
    loops().linear(cache_.values(layer, cached_lane, head, length), scores, act.scores_stride, count, head_out,
                   act.head_stride, false);
    for (std::int64_t query = 0; query < count; ++query) {
      const std::int64_t row = lane * pass.queries + first + query;
      std::copy_n(head_out + query * act.head_stride, head_dim,
                  act.attended.data() + row * act.model_stride + head * head_dim);
    }
  }
}

}  // namespace serialprof
