# SPDX-License-Identifier: Apache-2.0
"""The types of a gate's report as JSON, and the published schema that is made of them.

python -m serialprof_reports.gateschema > docs/schema/gate.schema.json
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Literal

from serialprof.gating.reading import SCHEMA
from serialprof.gating.records import Outcome, SideFacts
from serialprof.machine import Machine
from serialprof_reports import schema


@dataclass(frozen=True, slots=True)
class Schema:
    """Name and version of the document."""

    name: Literal["serialprof.gate"]
    version: Literal[1]


@dataclass(frozen=True, slots=True)
class Document:
    """A gate's report with its exit code, in SI base units; whatever is unknown, or no finite number, is null."""

    schema: Schema
    exit_code: Literal[0, 1, 2, 3, 4]
    outcomes: tuple[Outcome, ...]
    base: SideFacts
    head: SideFacts
    machine: Machine
    started: float
    seconds: float
    version: str
    command: tuple[str, ...]
    strict: bool
    advisory: str
    warnings: tuple[str, ...]


def document_type() -> Any:
    """The type of the whole document, for msgspec: a missing key is an error, one that is not known yet is none."""
    return schema.document_type(Document)


def text() -> str:
    """The schema as it is published."""
    return schema.text(Document, SCHEMA)


if __name__ == "__main__":
    sys.stdout.write(text())
