# SPDX-License-Identifier: Apache-2.0
"""A request as Python writes it: keywords and functions become what the command line's words become."""

from __future__ import annotations

import inspect
import math
import operator
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, SupportsIndex, TypeAlias

from serialprof import handover
from serialprof.catalog import Workload, workload
from serialprof.errors import UsageError, WorkloadError
from serialprof.planning import Request, StandInKind
from serialprof.program import DEPTH, WIDTH, command_reference
from serialprof.setting import CPU, ParameterValue
from serialprof.units import parse_counts, parse_duration, parse_percent, parse_words

#: A workload: its name or reference, itself, or the function that builds it.
AnyWorkload: TypeAlias = str | Workload | Callable[..., Any]
Workloads: TypeAlias = AnyWorkload | Iterable[AnyWorkload]
Counts: TypeAlias = int | str | Iterable[int] | None
Words: TypeAlias = str | Iterable[str] | None
#: What was asked for, by the names of the keywords of `serialprof.run`.
Asked: TypeAlias = Mapping[str, Any]

_MOST_SEED: Final = 2**31


def request_of(asked: Asked) -> Request:
    """What the keywords of `serialprof.run` ask for.

    Raises:
        UsageError: one of them has a value that no run can have.
        WorkloadError: a workload is none, or cannot be handed to a worker.
    """
    references = references_of(asked["workloads"])
    if asked["program"]:
        references = (program_of(list(map(str, asked["program"])), {**asked, "workloads": references}),)
    budget, precision = asked["budget"], asked["precision"]
    return Request(
        workloads=references,
        widths=_counts("width", asked["widths"]),
        threads=_counts("threads", asked["threads"]),
        modes=_words("mode", asked["modes"]),
        depth=None if asked["depth"] is None else _count("depth", asked["depth"]),
        parameters={str(name): _parameter(str(name), value) for name, value in (asked["parameters"] or {}).items()},
        budget=parse_duration(budget) if isinstance(budget, str) else _number("budget", budget),
        precision=parse_percent(precision) if isinstance(precision, str) else _number("precision", precision) or 0.0,
        seed=_count("seed", asked["seed"]),
        quick=bool(asked["quick"]),
        meter=bool(asked["meter"]),
        clocks=asked["clock"] if asked["clock"] is None else str(asked["clock"]),
        turbo=bool(asked["turbo"]),
        stand_ins=stand_ins_of(taken=bool(asked["stand_ins"]), dilate=bool(asked["dilate"])),
        gpu_clock=asked["gpu_clock"] if asked["gpu_clock"] is None else str(asked["gpu_clock"]),
        device=str(asked["device"]),
        dtypes=_words("dtype", asked["dtypes"]),
    )


def beside_resume(given: str, remedy: str = "leave it out") -> UsageError:
    """What is said where something is given that would change the plan of a run that is resumed."""
    return UsageError(f"--resume goes on with the plan of its file, so {given} cannot be given", remedy)


def stand_ins_of(*, taken: bool, dilate: bool) -> tuple[StandInKind, ...]:
    """Which stand-ins for another clock are taken.

    Raises:
        UsageError: dilation is one, and none is to be taken.
    """
    if dilate and not taken:
        raise UsageError("--dilate is a stand-in, which --no-stand-ins leaves out", "give one of the two")
    if not taken:
        return ()
    return ("delay", "dilation") if dilate else ("delay",)


def program_of(argv: list[str], asked: Asked) -> str:
    """The reference of a command, once nothing beside it contradicts it.

    Raises:
        UsageError: the command is none, or something does not go with one.
    """
    reference = command_reference(argv)
    if asked["workloads"]:
        raise UsageError("a workload and a command cannot be measured in one run", "run them one after the other")
    for option, name in (("modes", "--mode"), ("parameters", "--param"), ("dtypes", "--dtype"), ("device", "--device")):
        if asked[option] not in (None, (), CPU):
            raise UsageError(f"{name} does not go with a command", "put it into the command itself")
    for option, name, placeholder in (("widths", "--width", WIDTH), ("depth", "--depth", DEPTH)):
        if asked[option] is not None and not any(placeholder in argument for argument in argv):
            raise UsageError(f"{name} is given, but the command has no {placeholder}", f"write {placeholder} into it")
    return reference


def references_of(workloads: Workloads) -> tuple[str, ...]:
    """Workloads as a worker can load them.

    Raises:
        WorkloadError: one is none; or two that stand in no file have the same name.
    """
    single = isinstance(workloads, str | Workload) or not isinstance(workloads, Iterable)
    items: list[AnyWorkload] = [workloads] if single else list(workloads)  # type: ignore[list-item, arg-type]
    references: dict[str, AnyWorkload] = {}
    for item in items:
        reference = reference_of(item)
        if handover.is_handed(reference) and references.get(reference, item) is not item:
            name = reference.rpartition(":")[2]
            raise WorkloadError(
                f"two workloads are called {name!r}", "give each a name: @serialprof.workload(name=...)"
            )
        references[reference] = item
    return tuple(references)


def reference_of(item: AnyWorkload) -> str:
    """A workload as a worker can load it: by file and name, or handed over where it stands in no file.

    Raises:
        WorkloadError: it is none, or cannot leave this process.
    """
    if isinstance(item, str):
        return item
    if not (isinstance(item, Workload) or callable(item)):
        raise WorkloadError(f"a {type(item).__name__} is no workload", "decorate a function with @serialprof.workload")
    declared = item if isinstance(item, Workload) else _declared(item)
    module = sys.modules.get(getattr(declared.build, "__module__", ""))
    names = [name for name, value in vars(module).items() if value is item] if module else []
    file = getattr(module, "__file__", None)
    if names and file and _written_in(declared.build, file):
        return f"{file}:{names[0]}"
    return handover.keep(declared)


def _declared(build: Callable[..., Any]) -> Workload:
    """A function without a decorator as the workload that the decorator makes of it."""
    return workload(name=getattr(build, "__name__", type(build).__name__))(build)


def _written_in(build: Callable[..., Any], file: str) -> bool:
    """Whether a function stands in a file, and was not typed at a prompt after the file had run."""
    code = getattr(inspect.unwrap(build), "__code__", None)
    return code is None or Path(code.co_filename).resolve() == Path(file).resolve()


def _count(name: str, value: SupportsIndex) -> int:
    """A whole number of whatever integer type.

    Raises:
        UsageError: it is none, or no seed that a generator takes.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise UsageError(f"--{name} {value!r}: no whole number", f"write it like {name}=1000") from None
    if name == "seed" and not 0 <= number <= _MOST_SEED:
        raise UsageError(f"--seed {number}: no whole number from 0 to 2^31", "write it like seed=1")
    return number


def _counts(name: str, value: Counts) -> tuple[int, ...] | None:
    """Counts, ascending, each once."""
    if value is None:
        return None
    if isinstance(value, str):
        return parse_counts(value, name)
    if isinstance(value, SupportsIndex):
        value = [operator.index(value)]
    try:
        return tuple(sorted({operator.index(item) for item in value}))
    except TypeError:
        raise UsageError(
            f"--{name} {value!r} holds something that is no whole number", f"write {name} 1,4,16"
        ) from None


def _words(name: str, value: Words) -> tuple[str, ...] | None:
    if value is None:
        return None
    return parse_words(value if isinstance(value, str) else ",".join(map(str, value)), name)


def _number(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"--{name} {value!r}: no number", "write seconds, or a share") from None


def _parameter(name: str, value: Any) -> ParameterValue:
    """A workload's parameter as a plain int, float or str."""
    if isinstance(value, str):
        return str(value)
    try:
        return operator.index(value)
    except TypeError:
        pass
    number = _number(f"param {name}", value)
    if number is None or not math.isfinite(number):
        raise UsageError(f"'{name}={value}' is no finite number")
    return number
