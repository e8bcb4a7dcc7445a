# SPDX-License-Identifier: Apache-2.0
"""From a benchmark and two sides to what runs: both sides' workloads compared, one setting for both."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from serialprof.catalog import Description
from serialprof.errors import SerialprofError
from serialprof.gating.contestants import Contestant
from serialprof.gating.records import Benchmark, Role, Verdict
from serialprof.loading import is_reference
from serialprof.machine import Machine
from serialprof.measure.introspection import Introspector
from serialprof.planning import Request
from serialprof.setting import ParameterValue, Setting
from serialprof.sweep import check_parameters, settings_of

_Parameters: TypeAlias = Mapping[str, ParameterValue]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared.

    Attributes:
        label: "base" or "head".
        python: interpreter of its environment, which has serialprof.
        folder: its working folder, in which its files are found.
        commit: of its code, empty where that is not known.
        command: a whole program that is timed in place of the benchmark's reference, empty where there is none.
    """

    label: str
    python: str
    folder: Path
    commit: str = ""
    command: str = ""

    def reference(self, benchmark: Benchmark) -> str:
        """The benchmark as this side's worker finds it: files by their whole path in its folder."""
        if self.command:
            return self.command
        location, _, name = benchmark.reference.rpartition(":")
        if is_reference(benchmark.reference) and location.endswith(".py"):
            return f"{(self.folder / location).resolve()}:{name}"
        return benchmark.reference


@dataclass(frozen=True, slots=True)
class Contest:
    """A benchmark that both sides have."""

    benchmark: Benchmark
    setting: Setting
    contestants: dict[Role, Contestant]


class RefusedBenchmarkError(Exception):
    """A benchmark that cannot be gated; the message is the sentence.

    Attributes:
        verdict: "error", or "no baseline" where only the base lacks it.
    """

    def __init__(self, verdict: Verdict, sentence: str) -> None:
        super().__init__(sentence)
        self.verdict = verdict


def contest(benchmark: Benchmark, base: Side, head: Side, machine: Machine) -> Contest:
    """A benchmark of both sides at one setting.

    Raises:
        RefusedBenchmarkError: one of them does not have it, they declare it differently, or it does not run here.
    """
    heads, _ = describe(benchmark, head, machine, "error")
    bases, _ = describe(benchmark, base, machine, "no baseline")
    _check_alike(bases.parameters, heads.parameters, benchmark.parameters)
    setting = setting_of(benchmark, heads, machine)
    contestants = {side: Contestant(side.python, side.reference(benchmark), side.folder) for side in (base, head)}
    return Contest(
        benchmark, setting, {"base": contestants[base], "twin": contestants[base], "head": contestants[head]}
    )


def describe(benchmark: Benchmark, side: Side, machine: Machine, verdict: Verdict) -> tuple[Description, str]:
    """A benchmark as a side has it, and the hash of the file that it is written in.

    Args:
        benchmark: which.
        side: whose.
        machine: this computer.
        verdict: on a side that does not have it.

    Raises:
        RefusedBenchmarkError: the side does not have it.
    """
    reference = side.reference(benchmark)
    location, _, _ = reference.rpartition(":")
    if is_reference(reference) and location.endswith(".py") and not Path(location).is_file():
        raise RefusedBenchmarkError(verdict, f"{side.label} has no file {benchmark.reference.rpartition(':')[0]}")
    asked = Introspector(reference, machine.cpus[0], python=side.python, folder=side.folder)
    with closing(asked):
        try:
            description, code = asked.describe()
        except SerialprofError as error:
            told = str(error).replace(f"{side.folder.resolve()}/", "")  # a cache's long path tells nobody anything
            raise RefusedBenchmarkError(verdict, f"{side.label}: {told}") from None
    if description.missing:
        raise RefusedBenchmarkError(verdict, f"{side.label}: {benchmark.name} {description.missing}")
    return description, code


def _check_alike(base: _Parameters, head: _Parameters, asked: _Parameters) -> None:
    """Raises where times are not comparable: a parameter that one side lacks, or whose default is another in each."""
    for one, other, lacking in ((head, base, "base"), (base, head, "head")):
        lacked = ", ".join(sorted(one.keys() - other.keys()))
        if lacked:
            raise RefusedBenchmarkError(
                "error", f"{lacking} has no parameter {lacked}: its times can be compared once both sides have the same"
            )
    changed = sorted(name for name in head.keys() - asked.keys() if base[name] != head[name])
    if changed:
        told = ", ".join(f"{name} is {base[name]} in base and {head[name]} in head" for name in changed)
        given = " ".join(f"--param {name}={head[name]}" for name in changed)
        raise RefusedBenchmarkError(
            "error",
            f"parameters have other defaults: {told}; give both one value: {given} beside its name, or parameters = "
            "in the configuration",
        )


def setting_of(benchmark: Benchmark, description: Description, machine: Machine) -> Setting:
    """The one setting of a benchmark: the smallest width and the fewest threads where none are asked for.

    Raises:
        RefusedBenchmarkError: the workload or this machine does not offer what is asked for.
    """
    try:
        request = Request(
            workloads=(benchmark.reference,),
            widths=(benchmark.width or min(description.widths),),
            threads=(benchmark.threads or description.min_threads,),
            modes=(benchmark.mode,) if benchmark.mode else None,
            depth=benchmark.depth,
            parameters=benchmark.parameters,
            device=benchmark.device,
            dtypes=(benchmark.dtype,) if benchmark.dtype else None,
        )
        check_parameters(request, [description])
        settings = settings_of(request, description, machine)
    except SerialprofError as error:
        raise RefusedBenchmarkError("error", str(error)) from None
    if not settings:
        raise RefusedBenchmarkError("error", f"{benchmark.name} needs {description.min_threads} cores or more")
    return max((item for item in settings if item.form == "serial"), key=lambda setting: setting.depth)
