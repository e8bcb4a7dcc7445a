# SPDX-License-Identifier: Apache-2.0
"""What a worker says of a workload beside its times: how it failed, and the hash of the file that it is written in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def sentence_of(error: BaseException) -> str:
    """An exception in one line, with the place in the workload's own file where it was raised."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    ours = str(Path(__file__).parents[1])
    own = [frame for frame in frames if not frame.filename.startswith((ours, "<frozen"))]
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    text = " ".join(str(error).split())
    kind = "" if type(error).__module__.startswith("serialprof") else f"{type(error).__name__}: "
    return f"{kind}{text}{place}"[:500] if text else f"{type(error).__name__}{place}"


def file_hash(build: Callable[..., Any]) -> str:
    """SHA-256 of the file in which a workload is written, empty where there is none."""
    import hashlib
    import inspect

    try:
        source = inspect.getsourcefile(build)
    except TypeError:  # written in C
        return ""
    return hashlib.sha256(Path(source).read_bytes()).hexdigest() if source and Path(source).is_file() else ""
