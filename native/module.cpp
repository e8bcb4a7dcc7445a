// SPDX-License-Identifier: Apache-2.0
// serialprof._native: this file only lists the parts.
#include <pybind11/pybind11.h>

#include "loops/dispatch.hpp"

namespace serialprof {
void register_team(pybind11::module_& module);
void register_decode(pybind11::module_& module);
void register_lstm(pybind11::module_& module);
}  // namespace serialprof

PYBIND11_MODULE(_native, module) {
  module.doc() = "Native kernels of serialprof: one dependent step each, driven by one loop.";
  module.def("instruction_set", [] { return serialprof::loops().name; }, "The level that the hot loops run on.");
  serialprof::register_team(module);
  serialprof::register_decode(module);
  serialprof::register_lstm(module);
}
