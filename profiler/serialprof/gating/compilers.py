# SPDX-License-Identifier: Apache-2.0
"""Compilers that lay code out otherwise: wrappers that add inert flags to those that a build gives.

Variables such as CFLAGS would not do: a makefile that says `CFLAGS ?= -O2` would lose its optimisation to them.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Final

#: By name, flags that move machine code and change none of it but the padding:
#: - "aligned" begins functions at multiples of 64 bytes and loops at multiples of 32: loops come to lie otherwise in
#:   cache lines and in the windows of the decoders, and everything behind them elsewhere;
#: - "sorted" links functions by their names instead of in the order of the sources: others are neighbours. It also
#:   begins code in the page in which the read-only data end, so that all of it lies elsewhere in its pages.
LAYOUTS: Final = {
    "aligned": "-falign-functions=64 -falign-loops=32",
    "sorted": "-ffunction-sections -Wl,--sort-section=name -Wl,-z,noseparate-code",
}
_COMPILER: Final = re.compile(r"([\w.-]+-)?(cc|c\+\+|gcc|g\+\+|clang|clang\+\+)(-[\d.]+)?")


def wrap_compilers(folder: Path, flags: str, path: str) -> None:
    """Writes a wrapper of every C and C++ compiler; the folder goes first on PATH.

    Args:
        folder: new one, for the wrappers.
        flags: that they add.
        path: PATH on which compilers are found. They run with it too: what wraps compilers itself, such as ccache,
            would otherwise find these wrappers.
    """
    folder.mkdir()
    for name in _compilers(path):
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\nPATH={shlex.quote(path)}\nexport PATH\nexec {name} "$@" {flags}\n')
        wrapper.chmod(0o755)


def _compilers(path: str) -> set[str]:
    """Names of the compilers on PATH."""
    folders = [Path(folder) for folder in path.split(os.pathsep) if folder and Path(folder).is_dir()]
    return {file.name for folder in folders for file in folder.iterdir() if _COMPILER.fullmatch(file.name)}
