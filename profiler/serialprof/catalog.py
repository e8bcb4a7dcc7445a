# SPDX-License-Identifier: Apache-2.0
"""What a workload is: the protocol it fulfils, the decorator that declares it, and the loader that finds it."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, overload, runtime_checkable

from serialprof.errors import WorkloadError
from serialprof.setting import Form, ParameterValue, Setting

GROUP: Final = "serialprof.workloads"


@runtime_checkable
class Stepper(Protocol):
    """One built instance of a workload at a setting.

    It may also define `sync()`, called before both clock reads where steps are asynchronous, and `check()`, which
    raises AssertionError where a known answer is missed.
    """

    def run(self, steps: int, /) -> object:
        """Resets the state, then runs `steps` dependent steps."""
        ...


@dataclass(frozen=True, slots=True)
class Affine:
    """A quantity per step that grows with width: fixed + per_lane * W."""

    fixed: float = 0.0
    per_lane: float = 0.0

    def at(self, width: float) -> float:
        """The quantity at a width."""
        return self.fixed + self.per_lane * width


@dataclass(frozen=True, slots=True)
class Work:
    """What one step of the serial form does, as the workload's author declares it.

    Attributes:
        serial_ops: length of the longest dependent chain through one step, in operations; independent of W.
        flops: arithmetic operations (for cellular automata: word operations) in all, those of the chain included; fixed
            and per lane. What exceeds serial_ops is work that can spread out.
        bytes: memory traffic in bytes; the fixed part is what every step streams at any width (weights).
        footprint: bytes that steps touch again and again: decides which cache holds them.
        lanes: into how many independent pieces one step can be cut.
        barriers: barriers that the threads of one step pass; 0 where one thread needs none.
    """

    serial_ops: float
    flops: Affine
    bytes: Affine
    footprint: Affine
    lanes: Affine
    barriers: int = 1


@dataclass(frozen=True, slots=True)
class Description:
    """A workload without its functions: what planning, the store and the reports know of it.

    Attributes:
        reference: how the user named it: a registered name, FILE.py:NAME or package.module:NAME.
        missing: why it cannot run here (a module that is not installed), empty where it can.

    The other attributes are those of `Workload`.
    """

    reference: str
    name: str
    summary: str = ""
    depth_name: str = "steps"
    width_name: str = "lanes"
    widths: tuple[int, ...] = ()
    quick_widths: tuple[int, ...] = ()
    depth: int = 1
    parameters: dict[str, ParameterValue] = field(default_factory=dict)
    forms: tuple[Form, ...] = ("serial",)
    modes: tuple[str, ...] = ("eager",)
    hatch: str = ""
    min_threads: int = 1
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """A named family of programs with a serial core.

    Attributes:
        name: how it is called on the command line.
        build: makes a stepper, or a function that runs one dependent step, for a setting.
        summary: one line for `serialprof list`.
        depth_name, width_name: what a step and a lane are, for people to read.
        widths, quick_widths: default sweeps over W.
        depth: default steps in one run.
        parameters: own knobs with defaults.
        forms: the forms it offers.
        modes: execution modes it offers, the default first.
        work: declared work per step at a setting (serial form), or None where undeclared.
        hatch: the known way around the serial chain, empty where none is known.
        min_threads: the fewest threads it makes sense with.
        requires: modules that must be importable; it is skipped with that reason where they are not.
    """

    name: str
    build: Callable[[Setting], Stepper | Callable[[], object]]
    summary: str = ""
    depth_name: str = "steps"
    width_name: str = "lanes"
    widths: tuple[int, ...] = (1, 4, 16, 64, 256)
    quick_widths: tuple[int, ...] = (1, 4, 16, 64)
    depth: int = 64
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    forms: tuple[Form, ...] = ("serial",)
    modes: tuple[str, ...] = ("eager",)
    work: Callable[[Setting], Work] | None = None
    hatch: str = ""
    min_threads: int = 1
    requires: tuple[str, ...] = ()

    def describe(self, reference: str) -> Description:
        """The workload without its functions, with what is missing here."""
        absent = [name for name in self.requires if importlib.util.find_spec(name) is None]
        return Description(
            reference=reference,
            name=self.name,
            summary=self.summary,
            depth_name=self.depth_name,
            width_name=self.width_name,
            widths=self.widths,
            quick_widths=self.quick_widths,
            depth=self.depth,
            parameters=dict(self.parameters),
            forms=self.forms,
            modes=self.modes,
            hatch=self.hatch,
            min_threads=self.min_threads,
            missing=f"needs {', '.join(absent)}, which is not installed" if absent else "",
        )

    def stepper(self, setting: Setting) -> Stepper:
        """Builds the workload at a setting; a plain step function is wrapped into a stepper.

        Raises:
            WorkloadError: what the build function returned is neither.
        """
        built = self.build(setting)
        if isinstance(built, Stepper):
            return built
        if callable(built):
            return _StepFunction(built)
        raise WorkloadError(
            f"workload {self.name!r} returned {type(built).__name__}",
            "return a function that runs one step, or an object with run(steps)",
        )


class _StepFunction:
    """A stepper around a function that runs one step."""

    def __init__(self, step: Callable[[], object]) -> None:
        self.step = step

    def run(self, steps: int, /) -> None:
        step = self.step
        for _ in range(steps):
            step()


_Build: TypeAlias = Callable[[Setting], Any]


@overload
def workload(function: _Build) -> Workload: ...
@overload
def workload(
    *,
    name: str = ...,
    summary: str = ...,
    depth: str = ...,
    width: str = ...,
    widths: Sequence[int] = ...,
    quick_widths: Sequence[int] | None = ...,
    default_depth: int = ...,
    parameters: Mapping[str, ParameterValue] | None = ...,
    forms: Sequence[Form] = ...,
    modes: Sequence[str] = ...,
    work: Callable[[Setting], Work] | None = ...,
    hatch: str = ...,
    min_threads: int = ...,
    requires: Sequence[str] = ...,
) -> Callable[[_Build], Workload]: ...
def workload(
    function: _Build | None = None,
    *,
    name: str = "",
    summary: str = "",
    depth: str = "steps",
    width: str = "lanes",
    widths: Sequence[int] = (1, 4, 16, 64, 256),
    quick_widths: Sequence[int] | None = None,
    default_depth: int = 64,
    parameters: Mapping[str, ParameterValue] | None = None,
    forms: Sequence[Form] = ("serial",),
    modes: Sequence[str] = ("eager",),
    work: Callable[[Setting], Work] | None = None,
    hatch: str = "",
    min_threads: int = 1,
    requires: Sequence[str] = (),
) -> Workload | Callable[[_Build], Workload]:
    """Declares a workload: decorates a function that builds a stepper for a setting.

    `depth` and `width` name the knobs for people to read ("tokens", "batch"); the other arguments are the fields of
    `Workload`. Works bare (`@workload`) and with arguments.

    Returns:
        A `Workload` in place of the function.
    """

    def declare(build: _Build) -> Workload:
        return Workload(
            name=name or build.__name__,
            build=build,
            summary=summary or (build.__doc__ or "").strip().partition("\n")[0],
            depth_name=depth,
            width_name=width,
            widths=tuple(widths),
            quick_widths=tuple(quick_widths if quick_widths is not None else tuple(widths)[:4]),
            depth=default_depth,
            parameters=dict(parameters or {}),
            forms=tuple(forms),
            modes=tuple(modes),
            work=work,
            hatch=hatch,
            min_threads=min_threads,
            requires=tuple(requires),
        )

    return declare if function is None else declare(function)


def registered() -> dict[str, EntryPoint]:
    """Workloads that installed packages register under the entry-point group `serialprof.workloads`, by name."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def is_reference(text: str) -> bool:
    """Whether the text is FILE.py:NAME or package.module:NAME, not a registered name."""
    return ":" in text


def check_name(text: str) -> None:
    """Raises a WorkloadError that offers the nearest names where `text` is neither registered nor a reference.

    Runs no workload's code.
    """
    if is_reference(text):
        file, _, _ = text.rpartition(":")
        if file.endswith(".py") and not Path(file).is_file():
            raise WorkloadError(f"workload {text!r}: there is no file {file!r}", "give the path of an existing file")
        return
    names = sorted(registered())
    if text in names:
        return
    near = difflib.get_close_matches(text, names, n=3, cutoff=0.5)
    offer = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(names)}"
    raise WorkloadError(f"unknown workload {text!r}", f"{offer} Or give FILE.py:NAME" if near else offer)


def load(text: str) -> Workload:
    """Loads a workload by registered name, FILE.py:NAME or package.module:NAME. Runs its module: only in a worker.

    Raises:
        WorkloadError: it is not there, or is no workload.
    """
    check_name(text)
    if not is_reference(text):
        return _as_workload(text, registered()[text].load())
    location, _, attribute = text.rpartition(":")
    module = _module_from_file(Path(location)) if location.endswith(".py") else importlib.import_module(location)
    try:
        found = getattr(module, attribute)
    except AttributeError:
        names = [name for name, value in vars(module).items() if isinstance(value, Workload)]
        remedy = f"it declares {', '.join(names)}" if names else "declare one with @serialprof.workload"
        raise WorkloadError(f"{location} has no {attribute!r}", remedy) from None
    return _as_workload(text, found)


def _as_workload(text: str, found: object) -> Workload:
    if isinstance(found, Workload):
        return found
    if callable(found):
        return workload(found)
    raise WorkloadError(f"{text} is a {type(found).__name__}, no workload", "decorate it with @serialprof.workload")


def _module_from_file(path: Path) -> Any:
    """Imports a file under its own name, its folder on sys.path as `python FILE.py` would have it."""
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        raise WorkloadError(f"cannot import {path}", "give a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
