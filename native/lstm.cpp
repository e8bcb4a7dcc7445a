// SPDX-License-Identifier: Apache-2.0
// Long short-term memory, as torch.nn.LSTM:
//
//   [i f g o] = W_ih x_t + b_ih + W_hh h + b_hh,  c <- s(f) c + s(i) tanh(g),  h <- s(o) tanh(c)
#include "recurrent.hpp"

namespace serialprof {

namespace {

struct LstmCell {
  static constexpr std::int64_t kGates = 4;
  static constexpr std::int64_t kSummed = 4;
  static constexpr bool kCell = true;
  static Loops::CellLoop loop() { return loops().lstm_cell; }
};

}  // namespace

void register_lstm(py::module_& module) {
  register_recurrent<LstmCell>(module, "Lstm",
                               "An LSTM layer whose input size is its hidden size; one step is one update.");
}

}  // namespace serialprof
