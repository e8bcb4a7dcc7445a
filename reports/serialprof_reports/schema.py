# SPDX-License-Identifier: Apache-2.0
"""The types of the JSON documents, and the published schemas that are made of them.

    python -m serialprof_reports.schema run-analysis > docs/schema/run-analysis.schema.json

and so for comparison, gate, gate-history and live. A document holds the records of the instrument by their attributes'
names, after its own name and version. Its types are those of the records, with five changes: an estimate says of itself
whether it is identified; a number that is not finite is null; of a plan's points there is only the number; a machine
and declared work also hold what follows from them; so does a gate's report.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, reduce
from operator import or_
from types import MappingProxyType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from serialprof.devicelimits import DeviceLimits
from serialprof.estimate import Estimate
from serialprof.gating import reading
from serialprof.gating.history import History
from serialprof.gating.records import GateReport
from serialprof.limits import Limits
from serialprof.live.results import LoopAnalysis, Outside
from serialprof.machine import Machine
from serialprof.machine.finding import Finding
from serialprof.model.comparison.records import Comparison
from serialprof.model.reached import ReachedClock
from serialprof.model.results import DeclaredWork, FamilyAnalysis
from serialprof.planning import Plan
from serialprof.policyclock import PolicyClock
from serialprof.records import Resumption, RunStatus
from serialprof.units import format_json
from serialprof_reports import comparisonwording, gatehistory, livewording
from serialprof_reports.tables import SCHEMA


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Where the document comes from: `started` is in seconds since the epoch."""

    id: str
    started: float
    version: str
    code: str
    command: tuple[str, ...]
    status: RunStatus
    gpu_clocks: tuple[PolicyClock, ...]
    resumptions: tuple[Resumption, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many samples were taken, and how many of them were disturbed and left out."""

    taken: int
    disturbed: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A point that failed, in words, and why."""

    point: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """A run and its analysis, in SI base units; whatever is unknown, or no finite number, is null."""

    run: RunFacts
    machine: Machine
    limits: Limits
    devices: tuple[DeviceLimits, ...]
    plan: Plan
    clocks: tuple[ReachedClock, ...]
    doctor: tuple[Finding, ...]
    samples: Counts
    failures: tuple[Failure, ...]
    families: tuple[FamilyAnalysis, ...]


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """Which recording of live loops: `started` is in seconds since the epoch."""

    live_id: str
    started: float
    version: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveDocument:
    """A recording of live loops and its analysis, in SI base units; whatever is unknown, or no finite number, is null.

    `duration` is of the recording, in seconds; `losses` and `next` are sentences.
    """

    recording: RecordingFacts
    machine: Machine
    duration: float
    loops: tuple[LoopAnalysis, ...]
    outside: tuple[Outside, ...]
    losses: tuple[str, ...]
    next: str


#: What is published, by the name of its file: the record that a document is made of, its name and version.
PUBLISHED: Final[dict[str, tuple[type, Mapping[str, object]]]] = {
    "run-analysis": (Document, SCHEMA),
    "comparison": (Comparison, comparisonwording.SCHEMA),
    "gate": (GateReport, reading.SCHEMA),
    "gate-history": (History, gatehistory.SCHEMA),
    "live": (LiveDocument, livewording.SCHEMA),
}
#: Keys that a record's object has besides its attributes, or in place of them.
_KEYS: Final[dict[type, dict[str, Any]]] = {
    Machine: {"usable": int, "cores": int},
    DeclaredWork: {"ratio": float},
    Plan: {"points": int},
    GateReport: {"exit_code": Literal[0, 1, 2, 3, 4]},
    Estimate: {"identified": bool, "what_would_identify_it": str},
}
#: Attributes that a record's object lacks.
_WITHOUT: Final[dict[type, frozenset[str]]] = {Estimate: frozenset({"remedy"})}


def document_type(name: str) -> Any:
    """The type of a whole document, for msgspec: a missing key is an error, one that is not known yet is none.

    Args:
        name: a key of PUBLISHED.
    """
    document, version = PUBLISHED[name]
    heading = msgspec.defstruct(
        "Schema",
        [(key, Literal[value]) for key, value in version.items()],
        namespace={"__doc__": "Name and version of the document."},
    )
    return _object(document, {"schema": heading})


def schema(name: str) -> dict[str, Any]:
    """The JSON schema of a document (draft 2020-12).

    Args:
        name: a key of PUBLISHED.
    """
    _, version = PUBLISHED[name]
    heading = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{version['name']}, version {version['version']}",
    }
    return heading | msgspec.json.schema(document_type(name))


def text(name: str) -> str:
    """The schema as it is published."""
    return format_json(schema(name)) + "\n"


@cache
def _told(kind: Any) -> Any:
    """The type of what stands in the document for a record, or for anything in it."""
    if kind is float:
        return float | None
    if is_dataclass(kind):
        assert isinstance(kind, type)
        return _object(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return reduce(or_, map(_told, inner))
    if origin is dict:
        return dict[str, _told(inner[1])]  # type: ignore[misc] # made while it runs
    if origin is tuple:
        return tuple[tuple(each if each is ... else _told(each) for each in inner)]  # type: ignore[misc] # likewise
    return kind


def _object(record: type, before: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """The object of a record, in which every key is there; `before` are keys that come first."""
    hints = get_type_hints(record)
    names = [field.name for field in fields(record) if field.name not in _WITHOUT.get(record, ())]
    keys = {name: hints[name] for name in names} | _KEYS.get(record, {})
    return msgspec.defstruct(
        record.__name__,
        [*before.items(), *((name, _told(kind)) for name, kind in keys.items())],
        namespace={"__doc__": inspect.getdoc(record)},
        module=record.__module__,  # records of one name are told apart by it
    )


if __name__ == "__main__":
    sys.stdout.write(text(sys.argv[1]))
