// SPDX-License-Identifier: Apache-2.0
// Greedy autoregressive decoding: one step runs one position of every lane through a transformer and feeds the chosen
// token back. Wide form: prefill, the same positions at once with the tokens that decoding chose.
#include <pybind11/numpy.h>

#include <algorithm>
#include <string>

#include "transformer.hpp"
#include "wide.hpp"

namespace serialprof {

namespace {

class Decode {
 public:
  Decode(std::shared_ptr<Team> the_team, std::int64_t model_dim, std::int64_t layers, std::int64_t heads,
         std::int64_t vocabulary, std::int64_t context, std::int64_t depth, std::int64_t width, std::int64_t seed,
         bool wide, const std::string& weights);

  void plan(std::int64_t steps) { steps_ = steps; }
  void begin() {}  // inputs_ keeps its first token, and positions from the context on are written before they are read
  void step(std::int64_t index, Member& member) { wide_ ? prefill(member) : decode(index, member); }

  bool wide() const { return wide_; }
  std::int64_t depth() const { return depth_; }
  py::array_t<std::int32_t> tokens() const;
  py::array_t<std::int32_t> first() const;
  py::array_t<std::int32_t> prompt() const;
  py::array_t<float> logits() const;
  py::dict weights() const;

  std::shared_ptr<Team> team;

 private:
  static Shape checked_shape(std::int64_t model_dim, std::int64_t layers, std::int64_t heads, std::int64_t vocabulary,
                             std::int64_t context, std::int64_t depth, std::int64_t width, bool wide, int threads,
                             const std::string& weights);
  void fill_context();
  void decode(std::int64_t index, Member& member);
  void prefill(Member& member);

  bool wide_;
  std::int64_t context_, depth_, width_;
  std::int64_t steps_ = 0;
  Shape shape_;
  Random random_;
  Transformer model_;
  Activations activations_;
  Buffer<std::int32_t> prompt_;  // [width, context]
  Buffer<std::int32_t> inputs_;  // [width, depth + 1]: the first token, then what decoding chose
  Buffer<std::int32_t> chosen_;  // wide: [width, depth]
};

// Different prompts; further lanes repeat them, which saves their way through the model. First tokens all differ.
constexpr std::int64_t kPrompts = 16;
// Lanes and positions that the prompt is read in: few enough for small activations, enough for full products.
constexpr std::int64_t kPromptRows = 256;
constexpr std::int64_t kPromptQueries = 64;

Precision precision_named(const std::string& name) {
  if (name == "fp32") return Precision::fp32;
  if (name == "rounded") return Precision::rounded;
  require(name == "bf16", "weights = '" + name + "' is none of fp32, bf16, rounded");
  return Precision::bf16;
}

Shape Decode::checked_shape(std::int64_t model_dim, std::int64_t layers, std::int64_t heads, std::int64_t vocabulary,
                            std::int64_t context, std::int64_t depth, std::int64_t width, bool wide, int threads,
                            const std::string& weights) {
  in_range("model_dim", model_dim, 1, 1 << 14);
  in_range("layers", layers, 1, 1 << 10);
  in_range("heads", heads, 1, model_dim);
  require(model_dim % heads == 0,
          "heads = " + std::to_string(heads) + " does not divide model_dim = " + std::to_string(model_dim));
  in_range("vocabulary", vocabulary, 1, 1 << 20);
  in_range("context", context, 0, 1 << 20);
  in_range("depth", depth, 1, 1 << 20);
  in_range("width", width, 1, 1 << 20);
  const Shape shape{model_dim, layers, heads, vocabulary, context + depth, width, precision_named(weights)};
  FloatBudget budget({{"model_dim", model_dim},
                      {"layers", layers},
                      {"vocabulary", vocabulary},
                      {"context", context},
                      {"depth", depth},
                      {"width", width}});
  Weights::count(shape, budget);
  Cache::count(shape, budget);
  Activations::count(shape, wide ? width * depth : width, threads, budget);
  Activations::count(shape, kPromptRows, threads, budget);
  budget.add({width, context + 2 * depth + 1});
  return shape;
}

Decode::Decode(std::shared_ptr<Team> the_team, std::int64_t model_dim, std::int64_t layers, std::int64_t heads,
               std::int64_t vocabulary, std::int64_t context, std::int64_t depth, std::int64_t width, std::int64_t seed,
               bool wide, const std::string& weights)
    : team(std::move(the_team)),
      wide_(wide),
      context_(context),
      depth_(depth),
      width_(width),
      shape_(checked_shape(model_dim, layers, heads, vocabulary, context, depth, width, wide, team->size(), weights)),
      random_(seed),
      model_(shape_, random_),
      activations_(shape_, wide ? width * depth : width, team->size()),
      prompt_(width * context),
      inputs_(width * (depth + 1)),
      chosen_(wide ? width * depth : 0) {
  const std::int64_t drawn = std::min(width, kPrompts) * context;
  for (std::int64_t i = 0; i < drawn; ++i) prompt_[i] = static_cast<std::int32_t>(random_.below(vocabulary));
  for (std::int64_t i = drawn; i < prompt_.size(); ++i) prompt_[i] = prompt_[i - drawn];
  for (std::int64_t lane = 0; lane < width; ++lane) {
    inputs_[lane * (depth + 1)] = static_cast<std::int32_t>(random_.below(vocabulary));
  }
  fill_context();
  if (!wide) return;
  wide_ = false;  // decode once: the inputs of the prefill
  drive(*this, *team, depth_, nullptr, 0);
  wide_ = true;
}

void Decode::fill_context() {
  const std::int64_t most_queries = std::min(context_, kPromptQueries);
  if (most_queries == 0) return;
  const std::int64_t lanes = std::min(width_, kPrompts);
  const std::int64_t most_lanes = std::min(lanes, kPromptRows / most_queries);
  Activations activations(shape_, most_lanes * most_queries, team->size());
  for (std::int64_t lane = 0; lane < lanes; lane += most_lanes) {
    for (std::int64_t position = 0; position < context_; position += most_queries) {
      Pass pass{lane,     std::min(most_lanes, lanes - lane),          std::min(most_queries, context_ - position),
                position, prompt_.data() + lane * context_ + position, context_};
      struct Job {
        Transformer* model;
        const Pass* pass;
        Activations* activations;
      } job{&model_, &pass, &activations};
      team->run(
          [](void* context, Member& member) {
            const Job& it = *static_cast<Job*>(context);
            it.model->forward(*it.pass, *it.activations, member);
          },
          &job);
    }
  }
  for (std::int64_t lane = lanes; lane < width_; ++lane) model_.copy_lane(lane - lanes, lane);
}

void Decode::decode(std::int64_t index, Member& member) {
  const Pass pass{0, width_, 1, context_ + index, inputs_.data() + index, depth_ + 1};
  model_.forward(pass, activations_, member);
  model_.choose(pass, activations_, member, inputs_.data() + index + 1, depth_ + 1);
}

void Decode::prefill(Member& member) {
  const Pass pass{0, width_, steps_, context_, inputs_.data(), depth_ + 1};
  model_.forward(pass, activations_, member);
  model_.choose(pass, activations_, member, chosen_.data(), depth_);
}

// Rows [width, columns] of a larger array.
py::array_t<std::int32_t> rows_of(const std::int32_t* from, std::int64_t width, std::int64_t columns,
                                  std::int64_t stride) {
  py::array_t<std::int32_t> result({width, columns});
  for (std::int64_t lane = 0; lane < width; ++lane) {
    std::copy_n(from + lane * stride, columns, result.mutable_data() + lane * columns);
  }
  return result;
}

py::array_t<std::int32_t> Decode::tokens() const {
  if (wide_) return rows_of(chosen_.data(), width_, steps_, depth_);
  return rows_of(inputs_.data() + 1, width_, steps_, depth_ + 1);
}

py::array_t<std::int32_t> Decode::first() const {
  return rows_of(inputs_.data(), width_, 1, depth_ + 1).reshape({width_});
}

py::array_t<std::int32_t> Decode::prompt() const { return rows_of(prompt_.data(), width_, context_, context_); }

// Rows of the last pass: lanes, or lane by lane the steps.
py::array_t<float> Decode::logits() const {
  const std::int64_t queries = wide_ ? steps_ : std::min<std::int64_t>(steps_, 1);
  py::array_t<float> result({width_, queries, shape_.vocabulary});
  for (std::int64_t row = 0; row < width_ * queries; ++row) {
    std::copy_n(activations_.logits.data() + row * activations_.logits_stride, shape_.vocabulary,
                result.mutable_data() + row * shape_.vocabulary);
  }
  return result;
}

py::array_t<float> copy(const Lookup& table) {
  py::array_t<float> result({table.rows, table.columns});
  for (std::int64_t row = 0; row < table.rows; ++row) {
    std::copy_n(table.row(row), table.columns, result.mutable_data() + row * table.columns);
  }
  return result;
}

py::array_t<float> copy(const Matrix& matrix) {
  py::array_t<float> result({matrix.rows(), matrix.columns()});
  auto to = result.mutable_unchecked<2>();
  for (std::int64_t row = 0; row < matrix.rows(); ++row) {
    for (std::int64_t k = 0; k < matrix.columns(); ++k) to(row, k) = matrix.at(row, k);
  }
  return result;
}

py::dict Decode::weights() const {
  const Weights& weights = model_.weights();
  const auto gain = [this](const Buffer<float>& values) { return py::array_t<float>(shape_.model_dim, values.data()); };
  py::dict result;
  result["embedding"] = copy(weights.embedding);
  result["positions"] = copy(weights.positions);
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    const Layer& layer = weights.layers[i];
    const std::string prefix = "layers." + std::to_string(i) + ".";
    result[py::str(prefix + "attention_gain")] = gain(layer.attention_gain);
    result[py::str(prefix + "qkv")] = copy(layer.qkv);
    result[py::str(prefix + "out")] = copy(layer.out);
    result[py::str(prefix + "mlp_gain")] = gain(layer.mlp_gain);
    result[py::str(prefix + "up")] = copy(layer.up);
    result[py::str(prefix + "down")] = copy(layer.down);
  }
  result["final_gain"] = gain(weights.final_gain);
  result["head"] = copy(weights.head);
  return result;
}

}  // namespace

void register_decode(py::module_& module) {
  planned_kernel_class<Decode>(module, "Decode",
                               "Greedy decoding of a small transformer; one step is one token per lane.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                    std::int64_t, std::int64_t, std::int64_t, bool, const std::string&>(),
           py::arg("team").none(false), py::arg("model_dim"), py::arg("layers"), py::arg("heads"),
           py::arg("vocabulary"), py::arg("context"), py::arg("depth"), py::arg("width"), py::arg("seed"),
           py::arg("wide") = false, py::arg("weights") = "fp32")
      .def("tokens", &Decode::tokens)
      .def("first", &Decode::first)
      .def("prompt", &Decode::prompt)
      .def("logits", &Decode::logits)
      .def("weights", &Decode::weights);
}

}  // namespace serialprof
