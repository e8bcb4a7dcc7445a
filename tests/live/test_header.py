# SPDX-License-Identifier: Apache-2.0
"""<serialprof/live.hpp>: C++ code that records into the Python process that it runs in."""

import ctypes
import shutil
import subprocess
import threading

import pytest

import serialprof

SOURCE = """
#include <serialprof/live.hpp>
using namespace serialprof::live;
static Name loop_name("native decode"), sample_name("native sample");
extern "C" bool attach_to(const void* table) { return attach(table); }
extern "C" void sample() { Region region(sample_name); }
extern "C" void decode(int steps) {
  Loop loop(loop_name);
  for (int step = 0; step < steps; ++step) {
    sample();
    loop.step();
  }
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    folder = tmp_path_factory.mktemp("header")
    (folder / "live.cpp").write_text(SOURCE)
    warnings = ["-Wall", "-Wextra", "-Wshadow", "-Werror"]
    command = [compiler, "-std=c++17", "-O2", *warnings, "-shared", "-fPIC", f"-I{serialprof.include()}"]
    subprocess.run([*command, "live.cpp", "-o", "live.so"], cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "live.so"))


def test_nothing_is_recorded_before_it_is_attached_and_no_foreign_table_is_taken(library: ctypes.CDLL) -> None:
    library.attach_to.argtypes = [ctypes.c_void_p]
    with serialprof.recording() as recording:
        library.decode(5)
    assert recording.live is not None and recording.live.stored.loops == ()
    assert not library.attach_to(None)
    assert not library.attach_to(ctypes.addressof(ctypes.create_string_buffer(b"\xff" * 64)))


def test_steps_and_regions_of_cpp_are_those_of_python(library: ctypes.CDLL) -> None:
    library.attach_to.argtypes = [ctypes.c_void_p]
    assert library.attach_to(serialprof.live_table())
    library.decode(3)  # nothing records
    with serialprof.recording() as recording:
        threads = [threading.Thread(target=library.decode, args=(100,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in serialprof.steps(range(4), "decode"):
            library.sample()
        library.sample()
    assert recording.live is not None
    found = {loop.name: loop for loop in recording.live.stored.loops}
    native, decode = found["native decode"], found["decode"]
    assert (native.seen, native.cut, [place.calls for place in native.places]) == (200, 0, [200])
    assert {place.path: place.calls for place in decode.places} == {("next(loop)",): 4, ("native sample",): 4}
    assert [(place.path, place.calls) for place in recording.live.stored.outside] == [(("native sample",), 1)]
    assert recording.live.stored.losses.left_open == recording.live.stored.losses.not_entered == 0
