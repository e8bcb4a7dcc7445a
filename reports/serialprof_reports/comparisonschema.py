# SPDX-License-Identifier: Apache-2.0
"""The types of a comparison as JSON, and the published schema that is made of them.

python -m serialprof_reports.comparisonschema > docs/schema/comparison.schema.json
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Literal

from serialprof.model.comparison.records import Pair, Side
from serialprof_reports import schema
from serialprof_reports.comparisonwording import SCHEMA


@dataclass(frozen=True, slots=True)
class Schema:
    """Name and version of the document."""

    name: Literal["serialprof.comparison"]
    version: Literal[1]


@dataclass(frozen=True, slots=True)
class Document:
    """Runs, and each of them against the first, in SI base units; whatever is unknown, or no finite number, is null."""

    schema: Schema
    sides: tuple[Side, ...]
    pairs: tuple[Pair, ...]


def document_type() -> Any:
    """The type of the whole document, for msgspec: a missing key is an error, one that is not known yet is none."""
    return schema.document_type(Document)


def text() -> str:
    """The schema as it is published."""
    return schema.text(Document, SCHEMA)


if __name__ == "__main__":
    sys.stdout.write(text())
