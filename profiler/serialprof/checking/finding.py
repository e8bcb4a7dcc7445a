# SPDX-License-Identifier: Apache-2.0
"""One thing that a check found, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""From the worst on: what makes a measurement wrong, what may spoil it, and what is good to know."""

Number: TypeAlias = float | int | str | None
Numbers: TypeAlias = Mapping[str, Number | Sequence[Number]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        name: for machines and for the table in docs/checking.md.
        severity: "error" where times would not be those of the steps, or the declaration cannot be true; "warning"
            where a measurement may mislead; "note" where it is only good to know.
        what: what was seen, with its numbers, in one sentence.
        remedy: what to do about it.
        numbers: those behind it, in SI base units.
    """

    name: str
    severity: Severity
    what: str
    remedy: str
    numbers: Numbers = field(default_factory=dict)
