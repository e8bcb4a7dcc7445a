# SPDX-License-Identifier: Apache-2.0
"""Workloads that only the caller's own process knows, as those of a notebook: kept here, handed to workers pickled.

What is unpickled comes from memory that a worker inherits from its parent, never from a file.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from serialprof.errors import WorkloadError

if TYPE_CHECKING:
    from serialprof.catalog import Workload

#: Begins the reference of a workload that stands in no file: what names it is gone with the process that defined it.
_HERE: Final = "__main__:"
#: File descriptors of the memory that holds them, by reference.
_kept: Final[dict[str, int]] = {}


class Handed(msgspec.Struct, frozen=True):
    """A workload as it is handed over.

    Attributes:
        pickled: itself, by cloudpickle.
        code: hash of the source of the function that builds it; of its byte code where the source cannot be had.
        path: where its process finds modules.
    """

    pickled: bytes
    code: str
    path: tuple[str, ...]

    def load(self) -> Workload:
        """The workload; what it imports is found where its process found it, though after everything else."""
        sys.path += [folder for folder in self.path if folder not in sys.path]
        workload: Workload = pickle.loads(self.pickled)  # noqa: S301 - the parent's own
        return workload


def is_handed(reference: str) -> bool:
    """Whether a reference names a workload of the process that defined it."""
    return reference.startswith(_HERE)


def keep(workload: Workload) -> str:
    """Keeps a workload for the workers of this process; one of the same name is replaced.

    Returns:
        The reference by which it is measured.

    Raises:
        WorkloadError: it refers to something that cannot leave this process.
    """
    import cloudpickle

    try:
        pickled = cloudpickle.dumps(workload)
    except Exception as error:
        raise WorkloadError(
            f"workload {workload.name!r} cannot be handed to a worker: {' '.join(str(error).split())[:200]}",
            "make what it needs inside its function, or write it to a file and pass FILE.py:NAME",
        ) from error
    reference = _HERE + workload.name
    forget(reference)
    path = tuple(str(Path(folder).absolute()) for folder in sys.path)  # "" is the working folder
    _kept[reference] = _in_memory(msgspec.msgpack.encode(Handed(pickled, _code(workload.build), path)))
    return reference


def forget(reference: str) -> None:
    """Drops what is kept under a reference, if anything is."""
    if reference in _kept:
        os.close(_kept.pop(reference))


def check_kept(reference: str) -> None:
    """Raises a WorkloadError where a workload of another process is asked for."""
    if is_handed(reference) and reference not in _kept:
        name = reference.removeprefix(_HERE)
        raise WorkloadError(
            f"workload {name!r} was defined in a notebook or at a prompt, and is not known here",
            f"define it there again and hand it over: serialprof.run({name}, resume=FILE)",
        )


def descriptors(reference: str) -> tuple[int, ...]:
    """The file descriptor that a worker inherits to take a workload from, none where it stands in a file."""
    return (_kept[reference],) if reference in _kept else ()


def take(descriptor: int) -> Handed:
    """The workload that the parent keeps in this memory; only in a worker."""
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        return msgspec.msgpack.decode(content, type=Handed)


def _in_memory(content: bytes) -> int:
    """A file descriptor of memory that holds the content."""
    descriptor = os.memfd_create("serialprof-workload")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    return descriptor


def _code(build: Any) -> str:
    import inspect

    try:
        source = inspect.getsource(build).encode()
    except (OSError, TypeError):  # typed at a prompt, or written in C
        source = getattr(getattr(build, "__code__", None), "co_code", b"")
    return hashlib.sha256(source).hexdigest()
