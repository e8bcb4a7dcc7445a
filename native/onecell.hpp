// SPDX-License-Identifier: Apache-2.0
// A recurrent cell alone, for given gates: what a layer with drawn weights makes of large ones is not seen otherwise.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "bind.hpp"
#include "buffer.hpp"
#include "loops/dispatch.hpp"

namespace serialprof {

inline void require_floats(const char* name, const py::array& array) {
  if (!py::isinstance<py::array_t<float>>(array)) throw py::type_error(std::string(name) + ": needs float32");
}

// A value of an array of floats that need not be aligned.
template <typename... Index>
float float_at(const py::array& from, Index... index) {
  float value;
  std::memcpy(&value, from.data(index...), sizeof value);
  return value;
}

// gates: [panels, units] without bias, `inputs` of them sums or products with the input; before and cell: [units].
// Returns the new hidden state and what is in cell then.
inline py::tuple update_units(Loops::CellLoop update, std::int64_t inputs, std::int64_t panels, const py::array& gates,
                              const py::array& before, const py::array& cell) {
  const std::int64_t most = loops().panel_rows;
  require_floats("gates", gates);
  require_floats("before", before);
  require_floats("cell", cell);
  require(gates.ndim() == 2 && gates.shape(0) == panels,
          "gates: needs two dimensions and " + std::to_string(panels) + " rows");
  const std::int64_t units = gates.shape(1);
  require(before.ndim() == 1 && before.shape(0) == units, "before: needs a value for each unit of gates");
  require(cell.ndim() == 1 && cell.shape(0) == units, "cell: needs a value for each unit of gates");
  py::array_t<float> hidden(units), memory(units);
  for (std::int64_t first = 0; first < units; first += most) {
    const std::int64_t count = std::min(most, units - first);
    Buffer<float> values((2 * panels + 3) * most);  // gates, bias, then before, cell and hidden
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t panel = 0; panel < panels; ++panel)
        values[panel * most + i] = float_at(gates, panel, first + i);
      values[2 * panels * most + i] = float_at(before, first + i);
      values[(2 * panels + 1) * most + i] = float_at(cell, first + i);
    }
    float* states = values.data() + 2 * panels * most;
    update(values.data(), values.data() + inputs * most, values.data() + panels * most, states, states + most,
           states + 2 * most);
    std::copy_n(states + most, count, memory.mutable_data() + first);
    std::copy_n(states + 2 * most, count, hidden.mutable_data() + first);
  }
  return py::make_tuple(hidden, memory);
}

}  // namespace serialprof
