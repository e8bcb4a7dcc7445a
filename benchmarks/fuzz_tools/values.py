# SPDX-License-Identifier: Apache-2.0
"""Arguments, right and wrong, by the type that the stub declares.

What a kernel may accept stays small, so that a call takes but a moment; what is large lies beyond every limit.
"""

from __future__ import annotations

import os
import re
from array import array
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from benchmarks.fuzz_tools.signatures import Parameter

CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
BEYOND = (2**52, 2**62 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, -1, -(2**31), -(2**63), -(2**63) - 1)
NAMES = ("add", "multiply", "fma", "divide", "baseline", "avx2", "avx512", "easy", "hard", "fp32", "bf16", "linear")
CALLS = ("enter", "leave", "raise", "begin", "step", "end", "cut", "orphan", "other")


PLAIN = (None, "text", "", 1.5, float("nan"), -1, 2**64, True, 1j, [], {}, (), b"", b"12345678", bytearray(9), object)
ODD: tuple[Any, ...] = (np.int64(3), np.float32(2), np.zeros(3), np.zeros((2, 2), np.int32), np.array("x"))
ODD += ([None], [[1]], "\ud800", "x" * 4096, range(4), memoryview(b"1234"))


def fails(*_: object) -> Any:
    """Stands for a callable of Python's that raises."""
    raise LookupError("a callable that fails")


def answers(*_: object) -> bool:
    """Stands for a callable of Python's that returns."""
    return True


def wild() -> SearchStrategy[Any]:
    """Anything, of whatever type."""
    return st.sampled_from([*PLAIN, *ODD])


def integers(name: str) -> SearchStrategy[Any]:
    """Integers: small ones, multiples of a word's bits, and what no kernel can take."""
    small = st.integers(1, 9)
    words = st.sampled_from([16, 64, 128, 192, 640])
    if "bytes" in name or name == "ops":
        small = words = st.sampled_from([64, 128, 640, 1024, 4096, 65536])
    elif re.search("cells|columns|ops|loads|ticks|passes", name):
        words = st.sampled_from([64, 128, 640, 1024, 4096])
    return st.one_of(small, small, small, small, words, words, st.integers(-3, 70), st.sampled_from(BEYOND))


def floats() -> SearchStrategy[Any]:
    """Floats: short times and shares, and all that is not finite."""
    good = st.sampled_from([1e-4, 1e-3, 2e-3])
    return st.one_of(
        good,
        good,
        st.sampled_from([0.0, -0.0, -1.0, 0.25, 0.5, 61.0, 1e300, 5e-324, *map(float, ["nan", "inf", "-inf"])]),
    )


def unaligned(size: int, dtype: str) -> Any:
    """Zeros that begin at an odd address: as an array, or as a view of bytes where no type is asked for."""
    if not dtype:
        return memoryview(bytearray(8 * size + 8))[3 : 8 * size + 3].cast("q")
    return np.zeros(size * np.dtype(dtype).itemsize + 8, "u1")[3:-5].view(dtype)


def buffers(kind: str = "") -> SearchStrategy[Any]:
    """Buffers of one type or another: long enough or not, aligned or not, writable or not, of one dimension or more."""
    sizes = st.sampled_from([0, 1, 2, 5, 10, 65, 641])
    types = st.sampled_from([kind] * 4 + ["int64", "int32", "uint8", "float32", "float64", ">i8", "complex128", "bool"])

    def made(size: int, dtype: str, shape: str) -> Any:
        values = np.zeros(size, dtype or "int64")
        match shape:
            case "strided":
                return np.zeros(2 * size, dtype or "int64")[::2]
            case "unaligned":
                return unaligned(size, dtype)
            case "read-only":
                values.flags.writeable = False
            case "square":
                return np.zeros((size, min(size, 9)), dtype or "int64")
            case "cube":
                return np.zeros((min(size, 10), 9, 9), dtype or "int64")
            case "array":
                return array("q", [0] * size)
            case "ones":
                return values + np.ones(1, values.dtype)
            case "wild":
                return np.frombuffer(np.random.default_rng(size).bytes(values.nbytes), values.dtype)
        return values

    shapes = ["plain", "plain", "strided", "unaligned", "read-only", "square", "cube", "array", "ones", "wild"]
    return st.builds(made, sizes, types, st.sampled_from(shapes))


def sequences(annotation: str) -> SearchStrategy[Any]:
    """Sequences of the stub's element types."""
    if "tuple[str" in annotation:
        number = st.one_of(st.integers(0, 6), st.integers(0, 6), st.sampled_from([-1, 255, 256, 2**31, 2**63 - 1]))
        return st.lists(st.tuples(st.sampled_from(CALLS), number, number), max_size=12)
    if "tuple" in annotation:
        return st.lists(st.tuples(integers(""), integers("")), max_size=4)
    cpus = st.sampled_from(CPUS)
    return st.one_of(
        st.lists(cpus, min_size=1, max_size=4),
        st.lists(cpus, min_size=1, max_size=4),
        st.lists(st.one_of(cpus, st.sampled_from([-1, 63, 1024, 2**31 - 1, 2**31, 2**64, 0.5, "0"])), max_size=3),
        st.sampled_from([[0] * 5000, [-(2**31)], "01", [None]]),
    )


def right(parameter: Parameter) -> SearchStrategy[Any]:
    """Values of the type that the stub declares, whether the kernel takes them or not."""
    annotation = parameter.annotation
    if "Buffer" in annotation:
        return st.one_of(st.none(), buffers("int64"))
    if "NDArray" in annotation:
        dtype = re.search(r"np\.(\w+)", annotation)
        return buffers(dtype[1] if dtype else "float32")
    if "Callable" in annotation:
        return st.sampled_from([None, answers, fails])
    if "Literal" in annotation:
        return st.sampled_from([*re.findall(r"'([^']*)'", annotation), "other"])
    if "Sequence" in annotation:
        return sequences(annotation)
    if "Iterable" in annotation:
        return st.sampled_from([range(3), [1, 2], "ab", iter(())])
    simple: dict[str, SearchStrategy[Any]] = {
        "int": integers(parameter.name),
        "float": floats(),
        "bool": st.booleans(),
        "str": st.one_of(st.sampled_from(NAMES[:4]), st.sampled_from(NAMES), st.text(max_size=4)),
        "bytes": st.builds(bytes, st.sampled_from([0, 1, 8, 16, 24, 64, 80, 640])),
    }
    return simple.get(annotation.removesuffix(" | None"), wild())
