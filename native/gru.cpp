// SPDX-License-Identifier: Apache-2.0
// Gated recurrent units, as torch.nn.GRU:
//
//   [r z] = s(W_ih x_t + b_ih + W_hh h + b_hh),  n = tanh(W_in x_t + b_in + r (W_hn h + b_hn)),  h <- (1 - z) n + z h
#include "recurrent.hpp"

namespace serialprof {

namespace {

struct GruCell {
  static constexpr std::int64_t kGates = 3;
  static constexpr std::int64_t kSummed = 2;
  static constexpr bool kCell = false;
  static Loops::CellLoop loop() { return loops().gru_cell; }
};

}  // namespace

void register_gru(py::module_& module) {
  register_recurrent<GruCell>(module, "Gru",
                              "A GRU layer whose input size is its hidden size; one step is one update.");
}

}  // namespace serialprof
