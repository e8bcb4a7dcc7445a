# SPDX-License-Identifier: Apache-2.0
"""The types of a history as JSON, and the published schema that is made of them.

python -m serialprof_reports.gatehistoryschema > docs/schema/gate-history.schema.json
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Literal

from serialprof.gating.history import Series
from serialprof_reports import schema
from serialprof_reports.gatehistory import SCHEMA


@dataclass(frozen=True, slots=True)
class Schema:
    """Name and version of the document."""

    name: Literal["serialprof.gate-history"]
    version: Literal[1]


@dataclass(frozen=True, slots=True)
class Document:
    """Series of step times or ratios over time, in SI base units; whatever is unknown, or no finite number, is null."""

    schema: Schema
    series: tuple[Series, ...]
    files: int
    ordered: bool
    command: tuple[str, ...]


def document_type() -> Any:
    """The type of the whole document, for msgspec: a missing key is an error, one that is not known yet is none."""
    return schema.document_type(Document)


def text() -> str:
    """The schema as it is published."""
    return schema.text(Document, SCHEMA)


if __name__ == "__main__":
    sys.stdout.write(text())
