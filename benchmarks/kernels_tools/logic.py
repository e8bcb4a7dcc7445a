# SPDX-License-Identifier: Apache-2.0
"""The peak of word operations on vectors: what packed automata are bound by where nothing else binds them.

The limits that serialprof measures know multiply-adds; processors issue logic at another rate, often a higher one. So
a few lines are compiled for this processor by the C++ compiler that serialprof itself was built with, or $CXX.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

SOURCE: Final = r"""
#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX2__)
#define BYTES 32
#else
#define BYTES 16
#endif
#if defined(__x86_64__)
#define KEEP(x) asm volatile("" : "+x"(x))
#else
#define KEEP(x) asm volatile("" : "+w"(x))
#endif
#define STEP(x) x ^= key; KEEP(x);
typedef unsigned long long Words __attribute__((vector_size(BYTES)));

extern "C" unsigned long long run(long long rounds, unsigned long long seed) {
  Words key = {seed}, a{}, b{}, c{}, d{}, e{}, f{}, g{}, h{};
  for (long long i = 0; i < rounds; ++i) {
    STEP(a) STEP(b) STEP(c) STEP(d) STEP(e) STEP(f) STEP(g) STEP(h)
    STEP(a) STEP(b) STEP(c) STEP(d) STEP(e) STEP(f) STEP(g) STEP(h)
  }
  const Words all = a ^ b ^ c ^ d ^ e ^ f ^ g ^ h;
  return all[0];
}

extern "C" long long words_per_round() { return 16 * BYTES / 8; }
"""
ROUNDS: Final = 2_000_000
REPEATS: Final = 7


def word_operations(cpu: int) -> float | None:
    """Operations on 64-bit words per second on one thread, the best of seven; None where nothing compiles them."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "logic.so"
        compiler = os.environ.get("CXX", "c++").split()
        command = [
            *compiler,
            "-O2",
            "-funroll-loops",
            "-march=native",
            "-shared",
            "-fPIC",
            "-x",
            "c++",
            "-",
            "-o",
            library,
        ]
        try:
            subprocess.run(command, input=SOURCE, text=True, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return _best(ctypes.CDLL(str(library)), cpu)


def _best(library: ctypes.CDLL, cpu: int) -> float:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        took = []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            library.run(ctypes.c_longlong(ROUNDS), ctypes.c_ulonglong(1))
            took.append(time.perf_counter() - begun)
    finally:
        os.sched_setaffinity(0, before)
    return float(ROUNDS * library.words_per_round() / min(took))
