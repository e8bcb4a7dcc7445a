# SPDX-License-Identifier: Apache-2.0
"""Whose frames are whose; and where a worker hangs: on a signal it prints its frames, in which the place is found."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

#: Sent to a worker that gives no answer, before it is ended.
WHERE: Final = signal.SIGUSR2

_OURS: Final = str(Path(__file__).parents[1])
_PYTHONS: Final = str(Path(os.__file__).parent)
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_FRAME: Final = re.compile(r'^  File "(.+)", line (\d+) in ', re.MULTILINE)


def tell_when_asked() -> None:
    """From now on, the signal has the calling process print where its main thread is, even in the midst of C code."""
    import faulthandler

    faulthandler.register(WHERE, all_threads=False)


def place_told(text: str) -> str:
    """The user's own place in what a worker printed on the signal, such as "loop.py, line 7"; empty where none is."""
    frames = _FRAME.findall(text)
    own = own_files([file for file, _ in frames])
    return next((f"{Path(file).name}, line {line}" for file, line in frames if file in own), "")


def own_files(files: Sequence[str]) -> set[str]:
    """Of the files of some frames those that the user wrote; where there are none, those of installed packages."""
    others = {file for file in files if not file.startswith((_OURS, "<frozen")) and not _of_python(file)}
    return {file for file in others if not _installed(file)} or others


def _of_python(file: str) -> bool:
    return file.startswith(_PYTHONS) and not _installed(file)


def _installed(file: str) -> bool:
    return not _INSTALLED.isdisjoint(Path(file).parts)
