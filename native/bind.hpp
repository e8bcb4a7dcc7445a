// SPDX-License-Identifier: Apache-2.0
// What every kernel's Python face shares: run(), arguments checked before anything is allocated.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "drive.hpp"

namespace serialprof {

namespace py = pybind11;

inline void require(bool holds, const std::string& message) {
  if (!holds) throw std::invalid_argument(message);
}

// Checks that `name` lies in [low, high]; the message names the argument and the value.
inline std::int64_t in_range(const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
  require(value >= low && value <= high, std::string(name) + " = " + std::to_string(value) + " lies outside [" +
                                             std::to_string(low) + ", " + std::to_string(high) + "]");
  return value;
}

// Any writable buffer of int64 in one contiguous dimension: numpy's, or the standard library's, which loads faster.
// What exports it can neither move nor free it while this lives.
class TickBuffer {
 public:
  TickBuffer(const std::optional<py::buffer>& ticks, std::int64_t steps) {
    if (!ticks) return;
    info_ = ticks->request(true);
    if (info_.itemsize != 8 || (info_.format != "q" && info_.format != "l")) {
      throw py::type_error("ticks: needs entries of type int64");
    }
    require(info_.ndim == 1 && info_.size >= steps + 1 && info_.strides[0] == 8,
            "ticks: needs one dimension and steps + 1 entries");
    require(reinterpret_cast<std::uintptr_t>(info_.ptr) % alignof(std::int64_t) == 0,
            "ticks: needs entries at multiples of 8 bytes");
  }

  std::int64_t* data() const { return static_cast<std::int64_t*>(info_.ptr); }  // nullptr where there are none

 private:
  py::buffer_info info_;
};

// Throws where run() would refuse its arguments.
inline void check_timing(std::int64_t steps, const std::optional<py::buffer>& ticks, std::int64_t delay_ticks) {
  in_range("delay_ticks", delay_ticks, 0, std::int64_t{1} << 40);
  const TickBuffer checked(ticks, steps);
}

// run(steps, ticks=None, delay_ticks=0): the GIL is released meanwhile.
template <typename Kernel>
void run_kernel(Kernel& kernel, std::int64_t steps, const std::optional<py::buffer>& ticks, std::int64_t delay_ticks) {
  in_range("steps", steps, 0, std::int64_t{1} << 40);
  in_range("delay_ticks", delay_ticks, 0, std::int64_t{1} << 40);
  const TickBuffer buffer(ticks, steps);
  const Turn turn(*kernel.team);  // until the state that begin() sets is done with
  py::gil_scoped_release release;
  drive(kernel, *kernel.team, steps, buffer.data(), delay_ticks);
}

// A kernel keeps its team as `std::shared_ptr<Team> team`.
template <typename Kernel>
py::class_<Kernel> kernel_class(py::module_& module, const char* name, const char* doc) {
  py::class_<Kernel> type(module, name, doc);
  type.def("run", &run_kernel<Kernel>, py::arg("steps"), py::arg("ticks") = py::none(), py::arg("delay_ticks") = 0);
  return type;
}

}  // namespace serialprof
