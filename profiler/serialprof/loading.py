# SPDX-License-Identifier: Apache-2.0
"""Finds workloads: the registry of installed ones, and the loader of files and modules."""

from __future__ import annotations

import difflib
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Final

from serialprof.catalog import Workload, workload
from serialprof.errors import WorkloadError
from serialprof.handover import check_kept
from serialprof.importing import module_of_file, module_of_name, near_files
from serialprof.program import check_command, is_command, program_workload

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from types import ModuleType

GROUP: Final = "serialprof.workloads"


def registered() -> dict[str, EntryPoint]:
    """Workloads that installed packages register under the entry-point group `serialprof.workloads`, by name."""
    from importlib.metadata import entry_points  # slow to load, and a worker that is told a module needs none

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def is_reference(text: str) -> bool:
    """Whether the text is FILE.py:NAME or package.module:NAME, not a registered name."""
    return ":" in text and not is_command(text)


def check_name(text: str) -> None:
    """Raises a WorkloadError that offers the nearest names where `text` is neither registered nor a reference.

    Runs no workload's code.
    """
    if is_command(text):
        check_command(text)
        return
    check_kept(text)
    if is_reference(text):
        file, _, name = text.rpartition(":")
        if file.endswith(".py") and not Path(file).is_file():
            near = near_files(Path(file))
            remedy = f"did you mean {' or '.join(near)}?" if near else "give the path of an existing file"
            raise WorkloadError(f"workload {text!r}: there is no file {file!r}", remedy)
        if not (file and name):
            raise WorkloadError(
                f"workload {text!r} lacks a file or a name", "write FILE.py:NAME or package.module:NAME"
            )
        return
    if text.endswith(".py"):
        raise WorkloadError(f"workload {text!r} lacks a name", f"write {text}:NAME with the name of the function")
    names = sorted(registered())
    if text in names:
        return
    near = difflib.get_close_matches(text, names, n=3, cutoff=0.5)
    offer = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(names)}"
    raise WorkloadError(f"unknown workload {text!r}", f"{offer} Or give FILE.py:NAME" if near else offer)


def load(text: str) -> Workload:
    """Loads a workload by registered name, FILE.py:NAME, package.module:NAME or command.

    It runs its module: only in a worker.

    Raises:
        WorkloadError: it is not there, or is no workload.
    """
    check_name(text)
    if is_command(text):
        return program_workload(text)
    if not is_reference(text):
        return _as_workload(text, registered()[text].load())
    location, _, attribute = text.rpartition(":")
    module = module_of_file(Path(location)) if location.endswith(".py") else module_of_name(location)
    try:
        found: object = reduce(getattr, attribute.split("."), module)
    except AttributeError:
        raise WorkloadError(f"{location} has no {attribute!r}", _offer(attribute, module)) from None
    return _as_workload(text, found)


def _offer(attribute: str, module: ModuleType) -> str:
    """What to write in place of a name that a module does not have."""
    declared = [name for name, value in vars(module).items() if isinstance(value, Workload)]
    plain = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    if near := difflib.get_close_matches(attribute, declared or plain, n=3):
        return f"did you mean {' or '.join(near)}?"
    return f"it declares {', '.join(declared)}" if declared else "declare one with @serialprof.workload"


def _as_workload(text: str, found: object) -> Workload:
    if isinstance(found, Workload):
        return found
    if callable(found):
        return workload(found)
    raise WorkloadError(f"{text} is a {type(found).__name__}, no workload", "decorate it with @serialprof.workload")
