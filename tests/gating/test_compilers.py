# SPDX-License-Identifier: Apache-2.0
"""Wrapped compilers: flags come last, and nothing else changes."""

import os
import subprocess
from pathlib import Path

from serialprof.gating.compilers import wrap_compilers


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def wrapped(folder: Path, *names: str) -> str:
    """Programs of these names, which say how they are called, and their wrappers; the PATH of both."""
    for name in names:
        program(folder / "bin" / name, 'echo "${0##*/} $* $CFLAGS $PATH"')
    path = f"{folder}/bin:{os.environ['PATH']}"
    wrap_compilers(folder / "wrappers", "-falign-loops=32", path)
    return f"{folder}/wrappers:{path}"


def test_flags_are_added_behind_those_of_the_build(tmp_path: Path) -> None:
    path = wrapped(tmp_path, "gcc")
    told = subprocess.run(["gcc", "-O2", "a b"], env={"PATH": path}, check=True, capture_output=True, text=True).stdout
    assert told.startswith("gcc -O2 a b -falign-loops=32 ")


def test_a_compiler_does_not_find_wrappers(tmp_path: Path) -> None:
    path = wrapped(tmp_path, "cc")
    environment = {"PATH": path, "CFLAGS": "-g"}
    told = subprocess.run(["cc"], env=environment, check=True, capture_output=True, text=True, timeout=20).stdout
    assert f" -g {tmp_path}/bin:" in told
    assert "wrappers" not in told


def test_compilers_are_known_by_their_names(tmp_path: Path) -> None:
    compilers = {"x86_64-linux-gnu-gcc-12", "clang++-17", "aarch64-linux-gnu-g++", "c++"}
    others = {"gcc-ar", "gcc-ranlib-12", "clang-format", "ccache", "cclive"}
    wrapped(tmp_path, *compilers, *others)
    found = {wrapper.name for wrapper in (tmp_path / "wrappers").iterdir()}
    assert compilers <= found
    assert not others & found
