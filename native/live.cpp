// SPDX-License-Identifier: Apache-2.0
// The Python face of live recording. Its types are CPython's own, since a call through pybind11 costs more than all
// that is recorded.
#include "serialprof/live.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>

#include "bind.hpp"
#include "livecopy.hpp"
#include "liverecorder.hpp"
#include "ticks.hpp"

namespace serialprof {

namespace py = pybind11;

namespace lanes {

extern const live::Table table;

namespace {

// Called with (event, name) for each region and step of Python, where a device's events are to be taken.
PyObject* hook = nullptr;
// Called every so often, at the end of a step.
PyObject* chore = nullptr;
std::int64_t chore_ticks = 0;
PyObject* regions = nullptr;  // name -> region
PyObject* type_of_region = nullptr;

enum Event : long { kStep = 0, kEnter = 1, kLeave = 2, kEnd = 3 };

// What the hook answers; one that fails is told of and called no more, and the caller's own exception stays.
bool call_hook(Event event, std::int32_t name) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  const auto called = py::reinterpret_borrow<py::object>(hook);  // it may replace itself
  PyObject* answer = PyObject_CallFunction(hook, "li", static_cast<long>(event), static_cast<int>(name));
  const bool yes = answer != nullptr && PyObject_IsTrue(answer) == 1;
  if (answer == nullptr) {
    PyErr_WriteUnraisable(called.ptr());
    if (hook == called.ptr()) Py_CLEAR(hook);
  }
  Py_XDECREF(answer);
  PyErr_Restore(type, value, trace);
  return yes;
}

void do_chore(Lane& mine, std::int64_t now) {
  if (now - mine.chore < chore_ticks) return;
  mine.chore = now;
  const auto called = py::reinterpret_borrow<py::object>(chore);  // it may replace itself
  PyObject* answer = PyObject_CallNoArgs(chore);
  if (answer == nullptr) {
    PyErr_WriteUnraisable(called.ptr());
    if (chore == called.ptr()) Py_CLEAR(chore);
  }
  Py_XDECREF(answer);
}

struct RegionObject {
  PyObject_HEAD std::int32_t name;
};

PyObject* region_enter(PyObject* self, PyObject*) {
  if (Lane* mine = lane()) {
    const std::int32_t name = reinterpret_cast<RegionObject*>(self)->name;
    if (hook != nullptr && mine->sampled) call_hook(kEnter, name);
    if (name >= 0) mine->enter(name, read_ticks());
  }
  Py_INCREF(self);
  return self;
}

PyObject* region_exit(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  if (Lane* mine = lane()) {
    const std::int32_t name = reinterpret_cast<RegionObject*>(self)->name;
    if (name >= 0) mine->leave(name, read_ticks(), count > 0 && arguments[0] != Py_None);
    if (hook != nullptr && mine->sampled) call_hook(kLeave, name);
  }
  Py_RETURN_FALSE;
}

PyMethodDef region_methods[] = {
    {"__enter__", region_enter, METH_NOARGS, "The region begins."},
    {"__exit__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(region_exit)), METH_FASTCALL,
     "The region ends; an exception is counted and goes on."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot region_slots[] = {
    {Py_tp_methods, region_methods},
    {Py_tp_doc, const_cast<char*>("A named region; it can be entered again and again, on any thread.")},
    {0, nullptr},
};
PyType_Spec region_spec = {"serialprof._native.Region", sizeof(RegionObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, region_slots};

// Raises where the text is no name.
bool name_of(PyObject* text, std::string& name) {
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError, "a name is a string, not %R of type %s; write serialprof.region(\"sample\")", text,
                 Py_TYPE(text)->tp_name);
    return false;
  }
  Py_ssize_t size = 0;
  const char* utf8 = PyUnicode_AsUTF8AndSize(text, &size);
  if (utf8 == nullptr) return false;
  if (size == 0 || size > 200) {
    PyErr_Format(PyExc_ValueError, "a name has 1 to 200 bytes, not %zd; name what the code does", size);
    return false;
  }
  name.assign(utf8, static_cast<std::size_t>(size));
  return true;
}

// The number of a name; beyond the bound -1 and a warning, whose own exception, if any, is raised.
bool numbered(const std::string& name, std::int32_t& number) {
  static bool warned = false;
  number = recorder.name(name);
  if (number >= 0 || warned) return true;
  warned = true;
  return PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                          "more than %d names of regions and loops: %s and other new ones are not recorded; name what "
                          "the code does, and not what it works on",
                          kMostNames - 1, name.c_str()) == 0;
}

PyObject* region_of(PyObject*, PyObject* text) {
  PyObject* known = PyUnicode_CheckExact(text) ? PyDict_GetItemWithError(regions, text) : nullptr;
  if (known != nullptr) {
    Py_INCREF(known);
    return known;
  }
  if (PyErr_Occurred()) return nullptr;
  std::string name;
  std::int32_t number = -1;
  if (!name_of(text, name) || !numbered(name, number)) return nullptr;
  auto* made = PyObject_New(RegionObject, reinterpret_cast<PyTypeObject*>(type_of_region));
  if (made == nullptr) return nullptr;
  made->name = number;
  if (number >= 0 && PyDict_SetItem(regions, text, reinterpret_cast<PyObject*>(made)) < 0) Py_CLEAR(made);
  return reinterpret_cast<PyObject*>(made);
}

struct StepsObject {
  PyObject_HEAD PyObject* inner;
  Lane* lane;
  std::uint64_t run;
  std::int32_t name;
};

void finish(StepsObject* self, bool cut) {
  if (self->run == 0) return;
  const std::uint64_t run = self->run;
  self->run = 0;
  Lane* mine = lane();
  if (mine == self->lane && mine != nullptr) {
    mine->end(run, read_ticks(), cut);
    mine->sampled = hook != nullptr && call_hook(kEnd, self->name);
  } else if (self->lane->generation.load() == recorder.generation.load()) {
    self->lane->orphan(run);
  }
}

// Ends the step that was under way, if any, and begins the next one.
void next_step(StepsObject* self, Lane* mine) {
  const std::int64_t now = read_ticks();
  if (self->run != 0 && self->lane != mine) finish(self, false);
  if (self->run == 0 || !mine->step(self->run, now)) {
    self->lane = mine;
    self->run = mine->begin(self->name, now);
  }
  if (chore != nullptr) do_chore(*mine, now);
  if (hook != nullptr) {
    mine->sampled = call_hook(kStep, self->name);
    mine->restart(read_ticks());
  }
}

PyObject* steps_next(PyObject* object) {
  auto* self = reinterpret_cast<StepsObject*>(object);
  const iternextfunc next = Py_TYPE(self->inner)->tp_iternext;
  Lane* mine = self->name < 0 ? nullptr : lane();
  if (mine == nullptr) {
    self->run = 0;
    return next(self->inner);
  }
  next_step(self, mine);
  const bool sampled = hook != nullptr && mine->sampled;
  if (sampled) call_hook(kEnter, kNext);
  mine->enter(kNext, read_ticks());
  PyObject* item = next(self->inner);
  if (lane() == mine && self->run != 0) mine->leave(kNext, read_ticks(), false);
  if (sampled && hook != nullptr) call_hook(kLeave, kNext);
  if (item == nullptr) finish(self, false);
  return item;
}

int steps_traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(reinterpret_cast<StepsObject*>(object)->inner);
  return 0;
}

int steps_clear(PyObject* object) {
  Py_CLEAR(reinterpret_cast<StepsObject*>(object)->inner);
  return 0;
}

void steps_dealloc(PyObject* object) {
  auto* self = reinterpret_cast<StepsObject*>(object);
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  finish(self, true);
  Py_CLEAR(self->inner);
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* steps_new(PyTypeObject* type, PyObject* arguments, PyObject*) {
  PyObject *iterable, *text;
  if (!PyArg_ParseTuple(arguments, "OO", &iterable, &text)) return nullptr;
  std::string name;
  std::int32_t number = -1;
  if (!name_of(text, name) || !numbered(name, number)) return nullptr;
  PyObject* inner = PyObject_GetIter(iterable);
  if (inner == nullptr) return nullptr;
  auto* self = reinterpret_cast<StepsObject*>(type->tp_alloc(type, 0));
  if (self == nullptr) {
    Py_DECREF(inner);
    return nullptr;
  }
  self->inner = inner;
  self->lane = nullptr;
  self->run = 0;
  self->name = number;
  return reinterpret_cast<PyObject*>(self);
}

PyType_Slot steps_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(steps_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(steps_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(steps_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(steps_clear)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(steps_next)},
    {Py_tp_doc, const_cast<char*>("What an iterable yields; each turn of the loop over it is a step.")},
    {0, nullptr},
};
PyType_Spec steps_spec = {"serialprof._native.Steps", sizeof(StepsObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                          steps_slots};

PyMethodDef region_function = {"region", region_of, METH_O,
                               "region(name)\n--\n\n"
                               "A region of a step: `with serialprof.region(\"sample\"): ...`; see docs/live.md."};

void set(PyObject*& slot, const py::object& value) {
  PyObject* const before = slot;
  slot = value.is_none() ? nullptr : value.inc_ref().ptr();
  Py_XDECREF(before);  // last, since it may run code of Python's that looks here
}

py::dict taken() {
  py::list lanes;
  const std::uint64_t now = recorder.generation.load();
  for (int at = 0; at < recorder.lanes.load(); ++at) {
    if (recorder.lane[at]->generation.load() == now) lanes.append(copied(*recorder.lane[at]));
  }
  py::dict made;
  made["lanes"] = lanes;
  made["names"] = recorder.names;
  made["lost_threads"] = recorder.lost_threads.load();
  return made;
}

}  // namespace

}  // namespace lanes

void register_live(py::module_& module) {
  using namespace lanes;
  regions = PyDict_New();
  type_of_region = PyType_FromSpec(&region_spec);
  module.attr("Region") = py::reinterpret_borrow<py::object>(type_of_region);
  module.attr("Steps") = py::reinterpret_steal<py::object>(PyType_FromSpec(&steps_spec));
  module.attr("region") = py::reinterpret_steal<py::object>(PyCFunction_New(&region_function, nullptr));
  module.def(
      "live_start", [](std::int64_t block) { recorder.start(in_range("block_ticks", block, 1, kMostTicks)); },
      py::arg("block_ticks"));
  module.def("live_stop", [] { recorder.stop(); });
  module.def("live_recording", [] { return recorder.active.load(); });
  module.def("live_taken", &taken);
  module.def("live_replay", &replayed, py::arg("calls"), py::arg("block_ticks"));
  module.def("live_hook", [](const py::object& called) { set(hook, called); });
  module.def(
      "live_chore",
      [](const py::object& called, std::int64_t ticks) {
        chore_ticks = in_range("ticks", ticks, 0, kMostTicks);
        set(chore, called);
      },
      py::arg("chore"), py::arg("ticks"));
  module.def("live_table", [] { return reinterpret_cast<std::uintptr_t>(&table); });
  module.def("live_bytes", [] { return bytes_used.load(); });
}

}  // namespace serialprof
