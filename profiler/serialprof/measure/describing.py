# SPDX-License-Identifier: Apache-2.0
"""How a worker tells that a workload failed: one sentence, and the part of the traceback that is the workload's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from serialprof.measure import memory, protocol
from serialprof.measure.whereabouts import own_files

if TYPE_CHECKING:
    from traceback import FrameSummary

_MOST_FRAMES: Final = 12
_MOST_TRACE: Final = 4000  # characters


def failure_of(error: BaseException) -> protocol.Exhausted | protocol.Failed:
    """The answer that an exception is; its whole traceback goes to the worker's standard error."""
    import traceback

    traceback.print_exception(error)
    if spent := memory.exhaustion(error):
        return protocol.Exhausted(spent)
    return protocol.Failed(sentence_of(error), memory.context_lost(error), trace_of(error))


def sentence_of(error: BaseException) -> str:
    """An exception in one line, with the place in the workload's own file where it was raised."""
    own = _own_frames(error)
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    text = " ".join(str(error).split())
    kind = "" if type(error).__module__.startswith("serialprof") else f"{type(error).__name__}: "
    return f"{kind}{text}{place}"[:500] if text else f"{type(error).__name__}{place}"


def trace_of(error: BaseException) -> str:
    """The part of an exception's traceback that is the workload's own, as Python prints it; empty where none is."""
    import traceback

    *syntax, _ = traceback.format_exception_only(error)
    frames = traceback.format_list(_own_frames(error)[-_MOST_FRAMES:])
    return "".join([*frames, *syntax])[-_MOST_TRACE:].rstrip()


def _own_frames(error: BaseException) -> list[FrameSummary]:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = own_files([frame.filename for frame in frames])
    return [frame for frame in frames if frame.filename in own]
