# SPDX-License-Identifier: Apache-2.0
"""Option types that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from serialprof.errors import UsageError
from serialprof.question import parse_cost, parse_factor, parse_level
from serialprof.setting import ParameterValue
from serialprof.units import parse_counts, parse_duration, parse_percent, parse_words


class Parsed(click.ParamType[Any]):
    """An option whose text is read by one function; its complaint becomes the usage error."""

    def __init__(self, name: str, parse: Callable[[str, str], Any]) -> None:
        self.name = name
        self.parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value that the text stands for; `fail` where it stands for none."""
        if not isinstance(value, str):
            return value
        try:
            option = param.opts[0].lstrip("-") if param else self.name
            return self.parse(value, option)
        except UsageError as error:
            self.fail(str(error), param, ctx)


def _parameter(text: str, _: str) -> tuple[str, ParameterValue]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise UsageError(f"{text!r} is no K=V", "write it like --param hidden=512")
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        if not math.isfinite(number):
            raise UsageError(f"{text!r} is no finite number")
        return name, number
    return name, value


WORDS = Parsed("list", parse_words)
COUNTS = Parsed("list", parse_counts)
DURATION = Parsed("time", lambda text, _: parse_duration(text))
PERCENT = Parsed("share", lambda text, _: parse_percent(text))
PARAMETER = Parsed("k=v", _parameter)
FACTOR = Parsed("factor", parse_factor)
LEVEL = Parsed("count or factor", parse_level)
COST = Parsed("cost", parse_cost)


#: Formats that a file's ending stands for.
_ENDINGS: Final = {".html": "html", ".json": "json"}


def chosen_format(format_: str | None, *, as_json: bool, output: Path | None) -> str:
    """The format that --format and --json come to; where neither is given, the file's ending, or else the terminal's.

    Raises:
        UsageError: they name two.
    """
    if as_json and format_ not in (None, "json"):
        raise UsageError(f"--json and --format {format_} are two formats", "give one of them")
    if as_json or format_:
        return "json" if as_json else str(format_)
    return _ENDINGS.get(output.suffix, "terminal") if output is not None else "terminal"
