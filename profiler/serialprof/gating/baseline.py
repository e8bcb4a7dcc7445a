# SPDX-License-Identifier: Apache-2.0
"""Stored baselines: what is kept of benchmarks for a later comparison, as JSON that is never silently replaced."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from serialprof.errors import BaselineError
from serialprof.files import check_creatable, write_new
from serialprof.gating.fingerprint import Fingerprint
from serialprof.gating.pairing import Pace
from serialprof.gating.records import Benchmark, SideFacts
from serialprof.intervals import MINIMUM_UNITS
from serialprof.machine import Machine
from serialprof.measure.yardsticks import Yardsticks

#: Name and version of the document.
SCHEMA: Final = {"name": "serialprof.baseline", "version": 1}
_SAVE: Final = "make one with `serialprof gate save -o FILE`"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is stored of one benchmark.

    Attributes:
        benchmark: that was timed.
        code: SHA-256 of the file that the workload is written in, empty where there is none.
        depth: steps of a run as the benchmark has it; its pace may have fewer.
        pace: how it was sampled, and at which setting.
        processes: seconds per step of every sample, process by process.
        yardsticks: of the machine, before each process.
    """

    benchmark: Benchmark
    code: str
    depth: int
    pace: Pace
    processes: tuple[tuple[float, ...], ...]
    yardsticks: tuple[Yardsticks, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A stored baseline.

    Attributes:
        entries: one per benchmark.
        fingerprint: of the machine as it was.
        machine: in full, for people.
        side: whose code was timed.
        started: seconds since the epoch.
        version: of serialprof.
    """

    entries: tuple[Entry, ...]
    fingerprint: Fingerprint
    machine: Machine
    side: SideFacts
    started: float
    version: str

    def entry(self, name: str) -> Entry | None:
        """What is stored of a benchmark, None where nothing is."""
        return next((entry for entry in self.entries if entry.benchmark.name == name), None)


def check_writable(path: Path, replace: bool = False) -> None:
    """Raises what `write` would, for a caller that measures in between."""
    if replace and path.exists():
        try:
            _check_kind(path, _document(path), versions=None)
        except BaselineError as error:
            raise BaselineError(error.message, "remove it, or name another file: only a baseline is replaced") from None
    else:
        check_creatable(path)


def write(path: Path, baseline: Baseline, replace: bool = False) -> None:
    """Writes a baseline, whole or not at all.

    Args:
        path: of the file.
        baseline: what is written.
        replace: whether a baseline that lies there is replaced; anything else is not.

    Raises:
        StoreError: the file exists and is not to be replaced, or it cannot be written.
        BaselineError: what is to be replaced is no baseline.
    """
    document = msgspec.json.encode({"schema": SCHEMA, **msgspec.to_builtins(baseline)})
    check_writable(path, replace)
    if not path.exists():
        write_new(path, document)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    write_new(beside, document)
    beside.replace(path)


def read(path: Path) -> Baseline:
    """The baseline that a file holds.

    Raises:
        BaselineError: it is missing, damaged, no baseline, or one of a newer serialprof.
    """
    document = _document(path)
    _check_kind(path, document, versions=(SCHEMA["version"],))
    try:
        baseline = msgspec.convert({key: value for key, value in document.items() if key != "schema"}, Baseline)
    except msgspec.ValidationError as error:
        raise BaselineError(f"the baseline {path} is damaged: {error}", _SAVE) from None
    if lack := _unsound(baseline):
        raise BaselineError(f"the baseline {path} is damaged: {lack}", _SAVE)
    return baseline


def _document(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise BaselineError(f"the baseline {path} cannot be read: {error.strerror}", _SAVE) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BaselineError(f"the baseline {path} is no JSON, or damaged", _SAVE) from None


def _check_kind(path: Path, document: Any, versions: Iterable[object] | None) -> None:
    """Raises where a document says of itself that it is no baseline, or one of another version than these."""
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, dict) or schema.get("name") != SCHEMA["name"]:
        raise BaselineError(f"{path} is no baseline", _SAVE)
    if versions is not None and schema.get("version") not in versions:
        raise BaselineError(
            f"the baseline {path} has version {schema.get('version')!r}, and this serialprof reads {SCHEMA['version']}",
            "compare with the serialprof that wrote it, or a newer one",
        )


def _unsound(baseline: Baseline) -> str:
    """What cannot have been measured, empty where everything can."""
    names = [entry.benchmark.name for entry in baseline.entries]
    if not names or len(set(names)) < len(names):
        return "no benchmark is in it" if not names else "a benchmark is in it twice"
    for entry in baseline.entries:
        name = entry.benchmark.name
        if len(entry.processes) < MINIMUM_UNITS or len(entry.yardsticks) != len(entry.processes):
            return f"{name} has fewer than {MINIMUM_UNITS} processes with their yardsticks"
        seconds = [sample for process in entry.processes for sample in process]
        readings = [value for item in entry.yardsticks for value in (item.chain, item.chase, item.throughput)]
        if not all(entry.processes) or not all(0 < value < math.inf for value in (*seconds, *readings)):
            return f"{name} has times that are none"
        if min(entry.pace.setting.depth, entry.pace.runs, entry.pace.blocks, entry.depth) < 1:
            return f"{name} has a pace that is none"
    return ""
