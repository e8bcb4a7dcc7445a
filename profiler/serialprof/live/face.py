# SPDX-License-Identifier: Apache-2.0
"""What a program's author writes: steps of a loop, and where C++ finds its header. Light to import."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from serialprof import _native
from serialprof.errors import UsageError

T = TypeVar("T")

#: The environment variable that switches all recording off where it is "off".
SWITCH: Final = "SERIALPROF"


def switched_off() -> bool:
    """Whether the environment forbids recording."""
    return os.environ.get(SWITCH, "").strip().lower() == "off"


def steps(loop: Iterable[T], name: str = "steps") -> Iterator[T]:
    """The items of a loop, whose turns are recorded as steps while a recording is on: `for x in steps(loop, "decode")`.

    A step is the time inside next(loop), which is shown apart, and the body that follows it. Where nothing records, a
    turn costs some nanoseconds more than without (docs/live.md).

    Args:
        loop: anything that `for` takes.
        name: of the loop; loops of one name are reported as one.

    Raises:
        TypeError: the loop cannot be iterated over, or the name is no string.
        ValueError: the name is empty or longer than 200 bytes.
    """
    try:
        return _native.Steps(loop, name)
    except TypeError:
        if isinstance(loop, AsyncIterable):
            raise TypeError(
                "steps() takes no asynchronous iterable; put serialprof.region() around what does not await"
            ) from None
        raise


def include() -> str:
    """The folder for a C++ compiler's -I, where <serialprof/live.hpp> lies.

    Raises:
        UsageError: this installation has no headers.
    """
    folder = Path(_native.__file__).parent / "include"
    if not (folder / "serialprof" / "live.hpp").is_file():
        raise UsageError(f"there is no serialprof/live.hpp under {folder}", "install serialprof again")
    return str(folder)


def live_table() -> int:
    """The address that a C++ library gives to serialprof::live::attach."""
    return _native.live_table()
