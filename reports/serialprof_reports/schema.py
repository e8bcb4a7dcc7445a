# SPDX-License-Identifier: Apache-2.0
"""The types of the JSON document, and the published schema that is made of them.

    python -m serialprof_reports.schema > docs/schema/run-analysis.schema.json

The document holds the records of the instrument by their attributes' names. Its types are those of the records, with
four changes: an estimate says of itself whether it is identified; a number that is not finite is null; of a plan's
points there is only the number; a machine and declared work also hold what follows from them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from serialprof.devicelimits import DeviceLimits
from serialprof.estimate import Estimate
from serialprof.limits import Limits
from serialprof.machine import Machine
from serialprof.machine.finding import Finding
from serialprof.model.reached import ReachedClock
from serialprof.model.results import DeclaredWork, FamilyAnalysis
from serialprof.planning import Plan
from serialprof.policyclock import PolicyClock
from serialprof.records import Resumption, RunStatus
from serialprof_reports.tables import SCHEMA


@dataclass(frozen=True, slots=True)
class Schema:
    """Name and version of the document."""

    name: Literal["serialprof.analysis"]
    version: Literal[1]


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

    schema: Schema
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


#: Keys that a record's object has besides its attributes, or in place of them.
_KEYS: Final[dict[type, dict[str, Any]]] = {
    Machine: {"usable": int, "cores": int},
    DeclaredWork: {"ratio": float},
    Plan: {"points": int},
    Estimate: {"identified": bool, "what_would_identify_it": str},
}
#: Attributes that a record's object lacks.
_WITHOUT: Final[dict[type, frozenset[str]]] = {Estimate: frozenset({"remedy"})}


def document_type(document: type = Document) -> Any:
    """The type of a whole document, for msgspec: a missing key is an error, one that is not known yet is none."""
    return _told(document)


def schema(document: type = Document, version: Mapping[str, object] = SCHEMA) -> dict[str, Any]:
    """The JSON schema of a document (draft 2020-12).

    Args:
        document: the record that it is made of.
        version: its name and version.
    """
    made = msgspec.json.schema(document_type(document))
    heading = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{version['name']}, version {version['version']}",
    }
    return heading | made


def text(document: type = Document, version: Mapping[str, object] = SCHEMA) -> str:
    """The schema as it is published."""
    return msgspec.json.format(msgspec.json.encode(schema(document, version)), indent=2).decode() + "\n"


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


def _object(record: type) -> Any:
    """The object of a record, in which every key is there."""
    hints = get_type_hints(record)
    names = [field.name for field in fields(record) if field.name not in _WITHOUT.get(record, ())]
    keys = {name: hints[name] for name in names} | _KEYS.get(record, {})
    return msgspec.defstruct(
        record.__name__,
        [(name, _told(kind)) for name, kind in keys.items()],
        namespace={"__doc__": inspect.getdoc(record)},
        module=record.__module__,  # records of one name are told apart by it
    )


if __name__ == "__main__":
    sys.stdout.write(text())
