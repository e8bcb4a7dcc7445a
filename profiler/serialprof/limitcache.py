# SPDX-License-Identifier: Apache-2.0
"""Limits that were measured before, kept in the user's cache folder for as long as what decides them stays the same.

Nothing here raises because of a file: a cache that is damaged, foreign or not writable is as good as none.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec

from serialprof.limits import PARTS, Limits
from serialprof.machine import Machine


@dataclass(frozen=True, slots=True)
class Entry:
    """What the cache holds of a machine.

    Attributes:
        fingerprint: of the machine.
        threads: thread counts that were measured, ascending.
        limits: what was found.
    """

    fingerprint: str
    threads: tuple[int, ...]
    limits: Limits


def fingerprint(machine: Machine) -> str:
    """SHA-256 over what decides a machine's limits: hardware, kernel, usable CPUs, and the code that measures them."""
    from serialprof import _native

    parts = {
        "host": machine.host,
        "kernel": (machine.system, machine.kernel),
        "processor": (machine.architecture, machine.processor),
        "hypervisor": machine.hypervisor,
        "cpus": (machine.cpus, machine.siblings, machine.quota),
        "caches": machine.caches,
        "clock": (machine.clock_driver, machine.clock_governor),
        "instruction_set": machine.instruction_set,
        "torch": (machine.python, machine.packages.get("torch")),
        "code": (version("serialprof"), hashlib.sha256(Path(_native.__file__).read_bytes()).hexdigest()),
    }
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def recall(machine: Machine) -> Entry | None:
    """What was measured on this very machine before, None where nothing was."""
    mark = fingerprint(machine)
    try:
        path = _path(mark)
        entry = msgspec.json.decode(path.read_bytes(), type=Entry) if path.is_file() else None
    except (OSError, msgspec.MsgspecError, RecursionError):
        return None
    return entry if entry is not None and entry.fingerprint == mark and _sound(entry) else None


def remember(machine: Machine, threads: Iterable[int], limits: Limits) -> str:
    """Keeps limits for the next time, whole or not at all; says why not, nothing where it did.

    Limits in which a part failed are not kept, so that it is tried again, and those of the quick form never replace
    those of the full one.

    Args:
        machine: on which they were measured.
        threads: for which thread counts.
        limits: what was found.
    """
    entry = Entry(fingerprint(machine), tuple(sorted(set(threads))), limits)
    before = recall(machine)
    if not _sound(entry) or not _whole(entry):
        return "a part is missing"
    if limits.quick and before and not before.limits.quick:
        return "the cache holds the full form"
    try:
        _write(_path(entry.fingerprint), msgspec.json.encode(entry))
    except OSError as error:
        return f"the cache cannot be written, {error.strerror}"
    return ""


def _path(mark: str) -> Path:
    import platformdirs

    return platformdirs.user_cache_path("serialprof") / f"limits-{mark[:16]}.json"


def _write(path: Path, content: bytes) -> None:
    """Replaces a file at once: readers see the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _whole(entry: Entry) -> bool:
    """Whether every part was measured; torch is a guest that may be absent, broken or slow for good."""
    dispensable = {"dispatch"} | ({"barriers"} if max(entry.threads, default=1) == 1 else set())
    limits = entry.limits
    return bool(limits.updates) and all(getattr(limits, part) for part in PARTS if part not in dispensable)


def _sound(entry: Entry) -> bool:
    """Whether every number is one that can have been measured."""
    limits = entry.limits
    positive = [
        *(value for value in (limits.clock, limits.dispatch) if value is not None),
        *limits.chains.values(),
        *limits.fma.values(),
        *limits.words.values(),
        *(value for rung in limits.chase for value in (rung.footprint, rung.seconds, rung.threads)),
        *(
            value
            for rung in (*limits.stream, *limits.updates)
            for value in (rung.footprint, rung.bandwidth, rung.threads)
        ),
        *(rung.threads for rung in limits.barriers),
    ]
    others = [value for rung in limits.barriers for value in (rung.grain, rung.seconds, rung.error)]
    return (
        limits.measured is not None
        and all(0 < value < math.inf for value in positive)
        and all(0 <= value < math.inf for value in others)
    )
