// SPDX-License-Identifier: Apache-2.0
// serialprof._native: this file only lists the parts.
#include <pybind11/pybind11.h>

#include "loops/dispatch.hpp"

namespace serialprof {
void register_automaton(pybind11::module_& module);
void register_barrier(pybind11::module_& module);
void register_billiards(pybind11::module_& module);
void register_chain(pybind11::module_& module);
void register_chase(pybind11::module_& module);
void register_circuit(pybind11::module_& module);
void register_counters(pybind11::module_& module);
void register_decode(pybind11::module_& module);
void register_gaps(pybind11::module_& module);
void register_gru(pybind11::module_& module);
void register_life(pybind11::module_& module);
void register_live(pybind11::module_& module);
void register_lstm(pybind11::module_& module);
void register_map(pybind11::module_& module);
void register_mathqa(pybind11::module_& module);
void register_meter(pybind11::module_& module);
void register_nbody(pybind11::module_& module);
void register_peak(pybind11::module_& module);
void register_pipeline(pybind11::module_& module);
void register_planted(pybind11::module_& module);
void register_rnn(pybind11::module_& module);
void register_rollout(pybind11::module_& module);
void register_scan(pybind11::module_& module);
void register_stream(pybind11::module_& module);
void register_sudoku(pybind11::module_& module);
void register_team(pybind11::module_& module);
void register_thief(pybind11::module_& module);
void register_value(pybind11::module_& module);
void register_walk(pybind11::module_& module);
}  // namespace serialprof

PYBIND11_MODULE(_native, module) {
  module.doc() = "Native kernels of serialprof: one dependent step each, driven by one loop.";
  module.def("instruction_set", [] { return serialprof::loops().name; }, "The level that the hot loops run on.");
  serialprof::register_team(module);
  serialprof::register_walk(module);
  serialprof::register_automaton(module);
  serialprof::register_barrier(module);
  serialprof::register_billiards(module);
  serialprof::register_chain(module);
  serialprof::register_chase(module);
  serialprof::register_circuit(module);
  serialprof::register_counters(module);
  serialprof::register_decode(module);
  serialprof::register_gaps(module);
  serialprof::register_gru(module);
  serialprof::register_life(module);
  serialprof::register_live(module);
  serialprof::register_lstm(module);
  serialprof::register_map(module);
  serialprof::register_mathqa(module);
  serialprof::register_meter(module);
  serialprof::register_nbody(module);
  serialprof::register_peak(module);
  serialprof::register_pipeline(module);
  serialprof::register_planted(module);
  serialprof::register_rnn(module);
  serialprof::register_rollout(module);
  serialprof::register_scan(module);
  serialprof::register_stream(module);
  serialprof::register_sudoku(module);
  serialprof::register_thief(module);
  serialprof::register_value(module);
}
