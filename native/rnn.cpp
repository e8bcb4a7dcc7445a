// SPDX-License-Identifier: Apache-2.0
// The simplest recurrent network, as torch.nn.RNN:
//
//   h <- tanh(W_ih x_t + b_ih + W_hh h + b_hh)
#include "recurrent.hpp"

namespace serialprof {

namespace {

struct RnnCell {
  static constexpr std::int64_t kGates = 1;
  static constexpr std::int64_t kSummed = 1;
  static constexpr bool kCell = false;
  static Loops::CellLoop loop() { return loops().rnn_cell; }
};

}  // namespace

void register_rnn(py::module_& module) {
  register_recurrent<RnnCell>(module, "Rnn",
                              "A tanh layer whose input size is its hidden size; one step is one update.");
}

}  // namespace serialprof
