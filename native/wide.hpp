// SPDX-License-Identifier: Apache-2.0
// run() of a kernel that has both forms. The wide form does the work of `steps` serial steps in one pass of depth 1, so
// there is nothing inside it to take ticks of or to delay.
#pragma once

#include <optional>

#include "bind.hpp"

namespace serialprof {

// Kernel: as in drive.hpp, with
//   bool wide() const;
//   std::int64_t depth() const;              the most steps of one run
//   void plan(std::int64_t steps);           called before begin(): how many steps the next run has
// In the wide form step(0, member) does all planned steps.
template <typename Kernel>
void run_planned(Kernel& kernel, std::int64_t steps, const std::optional<py::buffer>& ticks, std::int64_t delay_ticks) {
  in_range("steps", steps, 0, kernel.depth());
  if (kernel.wide()) {
    require(!ticks && delay_ticks == 0, "ticks, delay_ticks: the wide form is a single step; leave them out");
  } else {
    check_timing(steps, ticks, delay_ticks);  // what is refused leaves the plan of the last run as it was
  }
  const Turn turn(*kernel.team);
  kernel.plan(steps);
  run_kernel(kernel, kernel.wide() ? (steps > 0 ? 1 : 0) : steps, ticks, delay_ticks);
}

// As kernel_class(), for a kernel with both forms.
template <typename Kernel>
py::class_<Kernel> planned_kernel_class(py::module_& module, const char* name, const char* doc) {
  py::class_<Kernel> type(module, name, doc);
  type.def("run", &run_planned<Kernel>, py::arg("steps"), py::arg("ticks") = py::none(), py::arg("delay_ticks") = 0);
  return type;
}

}  // namespace serialprof
