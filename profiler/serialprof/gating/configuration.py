# SPDX-License-Identifier: Apache-2.0
"""What a repository says about its gate: [tool.serialprof.gate] in pyproject.toml, or [gate] in serialprof.toml."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec

from serialprof.errors import UsageError
from serialprof.gating.records import Benchmark, Criteria, Metric, knobs_in
from serialprof.setting import CPU, ParameterValue
from serialprof.units import parse_duration, parse_percent

_PYPROJECT: Final = "pyproject.toml"
_OWN: Final = "serialprof.toml"
#: Ceilings of waivers lie below, as a share: slow-downs have no end at 100 %.
_HIGHEST: Final = 1000.0
_UNKNOWN_KEY: Final = re.compile(r"unknown field `(.+?)`")


class _Entry(msgspec.Struct, forbid_unknown_fields=True, rename="kebab", frozen=True):
    """A benchmark as it stands in the file."""

    run: str
    name: str = ""
    width: int | None = None
    depth: int | None = None
    threads: int | None = None
    mode: str | None = None
    dtype: str | None = None
    device: str = CPU
    parameters: dict[str, ParameterValue] = {}
    metrics: tuple[Metric, ...] = ()
    tolerance: str | None = None
    mde: str | None = None
    least_difference: str | None = None


class _WaiverEntry(msgspec.Struct, forbid_unknown_fields=True, rename="kebab", frozen=True):
    """A waiver as it stands in the file."""

    benchmark: str
    ceiling: str
    expires: date
    reason: str


class _Table(msgspec.Struct, forbid_unknown_fields=True, rename="kebab", frozen=True):
    """The whole table as it stands in the file."""

    benchmark: tuple[_Entry, ...] = ()
    waiver: tuple[_WaiverEntry, ...] = ()
    removed: tuple[str, ...] = ()
    tolerance: str = "1%"
    mde: str = "3%"
    least_difference: str | None = None
    install: str = ""
    layout_floor: bool = False


@dataclass(frozen=True, slots=True)
class Waiver:
    """A slow-down that is let through for a while.

    Attributes:
        benchmark: its name.
        ceiling: the largest slow-down that is let through, as a share.
        expires: the last day on which it holds.
        reason: for people.
    """

    benchmark: str
    ceiling: float
    expires: date
    reason: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a repository says about its gate.

    Attributes:
        benchmarks: the expected set, in their order.
        waivers: of failures.
        removed: names that may be missing although the base expects them.
        criteria: of benchmarks that have none of their own.
        install: the shell command that installs a checkout, empty where none is given.
        layouts: whether a failure has to exceed what rebuilding the base alone does, where it is a commit.
        path: the file, None where there is none.
    """

    benchmarks: tuple[Benchmark, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    removed: tuple[str, ...] = ()
    criteria: Criteria = field(default_factory=Criteria)
    install: str = ""
    layouts: bool = False
    path: Path | None = None


def read_configuration(folder: Path) -> Configuration:
    """What a folder's serialprof.toml or pyproject.toml says; an empty configuration where neither says anything.

    Raises:
        UsageError: a file cannot be read, or says something that is not understood; the message names file and key.
    """
    own, shared = folder / _OWN, folder / _PYPROJECT
    tables = [
        (path, table)
        for path, table in ((own, _read(own)), (shared, _read(shared).get("tool", {}).get("serialprof", {})))
        if "gate" in table
    ]
    if not tables:
        return Configuration()
    if len(tables) == 2:
        raise UsageError(f"{own} and {shared} both configure the gate", "keep one of them")
    path, table = tables[0]
    try:
        return _configuration(msgspec.convert(table["gate"], _Table), path)
    except msgspec.ValidationError as error:
        raise _misunderstood(path, str(error)) from None
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.remedy) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "mend it") from None


def _configuration(table: _Table, path: Path) -> Configuration:
    criteria = Criteria(
        parse_percent(table.tolerance),
        parse_percent(table.mde),
        parse_duration(table.least_difference) if table.least_difference else 0.0,
    )
    benchmarks = tuple(_benchmark(entry, criteria) for entry in table.benchmark)
    names = [benchmark.name for benchmark in benchmarks]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two benchmarks are called {twice!r}", "give one of them another name")
    waivers = tuple(
        Waiver(entry.benchmark, parse_percent(entry.ceiling, _HIGHEST), entry.expires, entry.reason)
        for entry in table.waiver
    )
    for waiver in waivers:
        if waiver.benchmark not in names:
            raise UsageError(
                f"a waiver names {waiver.benchmark!r}, which is no benchmark", _near(waiver.benchmark, names)
            )
        if not waiver.reason.strip():
            raise UsageError(f"the waiver of {waiver.benchmark!r} has no reason", "say why")
    return Configuration(benchmarks, waivers, table.removed, criteria, table.install, table.layout_floor, path)


def _benchmark(entry: _Entry, criteria: Criteria) -> Benchmark:
    own: Mapping[str, float] = {
        name: parse(text)
        for name, text, parse in (
            ("tolerance", entry.tolerance, parse_percent),
            ("mde", entry.mde, parse_percent),
            ("least_seconds", entry.least_difference, parse_duration),
        )
        if text is not None
    }
    metrics: tuple[Metric, ...] = tuple(dict.fromkeys(("step", *entry.metrics)))
    name = entry.name or default_name(entry.run)
    return Benchmark(name, entry.run, checked(replace(criteria, **own)), **knobs_in(entry) | {"metrics": metrics})


def default_name(reference: str) -> str:
    """By which a benchmark goes that was given none: the NAME of FILE.py:NAME, or the registered name."""
    return reference.rpartition(":")[2]


def checked(criteria: Criteria) -> Criteria:
    """The same criteria.

    Raises:
        UsageError: no benchmark could pass and fail by them.
    """
    if not criteria.tolerance < criteria.mde:
        raise UsageError(
            f"a tolerance of {criteria.tolerance:.3g} is not below an mde of {criteria.mde:.3g}",
            "the gate fails above the tolerance and must not pass at the mde: leave room between them",
        )
    return criteria


def _misunderstood(path: Path, reason: str) -> UsageError:
    """What msgspec says, with the nearest key where one is not known."""
    unknown = _UNKNOWN_KEY.search(reason)
    if unknown is None:
        return UsageError(f"{path}, gate: {reason}", "docs/gate.md shows the keys")
    known = {field.encode_name for kind in (_Table, _Entry, _WaiverEntry) for field in msgspec.structs.fields(kind)}
    return UsageError(f"{path}, gate: there is no key {unknown[1]!r}", _near(unknown[1], sorted(known)))


def _near(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(names)}"
