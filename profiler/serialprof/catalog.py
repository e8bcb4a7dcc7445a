# SPDX-License-Identifier: Apache-2.0
"""What a workload is: the protocol it fulfils, what it declares, and the decorator that declares it."""

from __future__ import annotations

import importlib.util
import math
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeAlias, get_args, overload, runtime_checkable

from serialprof.errors import WorkloadError
from serialprof.setting import DTYPES, FORMS, Form, ParameterValue, Setting

DEVICES: Final = ("cpu", "cuda")
Arithmetic: TypeAlias = Literal["fp32", "fp64", "words", "multiplies", "divides"]
"""What declared operations are: which of the machine's limits they run at."""

ARITHMETICS: Final[tuple[Arithmetic, ...]] = get_args(Arithmetic)
MOST_LANES: Final = 2**62  # what every number on the way (JSON, SQLite, C++) can hold


@runtime_checkable
class Stepper(Protocol):
    """One built instance of a workload at a setting.

    It may also define `sync()`, called before both clock reads where steps are asynchronous (on a CUDA device a stepper
    without one is synchronised by `torch.cuda.synchronize`); `check()`, called once
    before the point is timed, which raises AssertionError where a known answer is missed; and `trace(steps, ticks)`,
    which does what `run(steps)` does and writes steps + 1 readings of a clock into a writable buffer of int64: at the
    start, and at the end of every step. It returns the seconds of one tick, or None where it reads the clock of the
    native kernels. And `delayed(steps, seconds)`, which does what `run(steps)` does while the thread that drives the
    steps spins for so long in every one of them; step functions and native kernels need none.
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

    def checked(self, name: str) -> Affine:
        """The same with plain numbers.

        Raises:
            WorkloadError: a part is no finite number from 0 on; the message names the quantity.
        """
        return Affine(_amount(name, self.fixed), _amount(name, self.per_lane))


@dataclass(frozen=True, slots=True)
class Work:
    """What one step of the serial form does, as the workload's author declares it.

    Traffic that a core can stream is declared as `bytes`. Loads of which each waits for the one before are declared as
    loads, and not as bytes too. Caches read and write back at the same time: how much of the traffic is written decides
    how long it takes at least.

    Attributes:
        serial_ops: length of the longest dependent chain through one step, in operations; independent of W.
        flops: arithmetic operations (for cellular automata: word operations) in all, those of the chain included; fixed
            and per lane. What exceeds serial_ops is work that can spread out.
        bytes: memory traffic in bytes; the fixed part is what every step streams at any width (weights).
        footprint: bytes that steps touch again and again: decides which cache holds them.
        lanes: into how many independent pieces one step can be cut; as many as the width, unless declared.
        barriers: barriers that the threads of one step pass; 0 where one thread needs none.
        serial_loads: dependent loads on the chain, each waiting for the one before; independent of W.
        loads: dependent loads of the lanes' own chains: within a lane each waits for the one before; the lanes, and so
            their loads, split over threads as flops do.
        written: how many of `bytes` are written, the others being read; none are where it is `Affine()`. None where it
            is not declared: then the least time is that of the mix that takes the least.
        arithmetic: what the operations are, for the share of the machine's limit: "fp32" or "fp64" multiply-adds (one
            operation of a chain, two FLOP), "words" for adds and bitwise operations on integers, counted per word of 64
            bits, "multiplies" of integers, "divides". No peak is measured for the last two, only their latency. None
            where it is not declared: then memory and barriers alone are taken for limits.
    """

    serial_ops: float
    flops: Affine
    bytes: Affine
    footprint: Affine
    lanes: Affine = Affine(per_lane=1)
    barriers: int = 1
    serial_loads: float = 0.0
    loads: Affine = Affine()
    arithmetic: Arithmetic | None = None
    written: Affine | None = None

    def checked(self) -> Work:
        """The same with plain numbers.

        Raises:
            WorkloadError: a quantity is no finite number from 0 on, or more bytes are written than moved; the message
                names it.
        """
        names = ("flops", "bytes", "footprint", "lanes", "loads")
        affine = {name: getattr(self, name).checked(name) for name in names}
        written, moved = None if self.written is None else self.written.checked("written"), affine["bytes"]
        if written is not None and any(written.at(width) > moved.at(width) for width in (1, MOST_LANES)):
            raise WorkloadError("its declared written exceeds its bytes", "bytes are those read and those written")
        return Work(
            serial_ops=_amount("serial_ops", self.serial_ops),
            serial_loads=_amount("serial_loads", self.serial_loads),
            barriers=int(_amount("barriers", self.barriers)),
            arithmetic=_arithmetic(self.arithmetic),
            written=written,
            **affine,
        )


@dataclass(frozen=True, slots=True)
class Description:
    """A workload without its functions: what planning, the store and the reports know of it.

    Attributes:
        reference: how the user named it: a registered name, FILE.py:NAME or package.module:NAME.
        missing: why it cannot run here (a module that is not installed), empty where it can.
        on_torch: whether its steps go through PyTorch: it requires torch, or its file imports it.

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
    startup: bool = False
    devices: tuple[str, ...] = ("cpu",)
    dtypes: tuple[str, ...] = ("fp32",)
    open_ended: bool = False
    on_torch: bool = False


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
        startup: whether a run(D) begins with a start-up that differencing over depth removes (whole programs).
        devices: kinds of devices it runs on: "cpu", "cuda".
        dtypes: element types it offers, the default first.
        open_ended: whether its default widths go on until memory or one octave past the knee ends them.
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
    startup: bool = False
    devices: tuple[str, ...] = ("cpu",)
    dtypes: tuple[str, ...] = ("fp32",)
    open_ended: bool = False

    def describe(self, reference: str) -> Description:
        """The workload without its functions, with what is missing in this process."""
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
            startup=self.startup,
            devices=self.devices,
            dtypes=self.dtypes,
            open_ended=self.open_ended,
            on_torch="torch" in self.requires or "torch" in sys.modules,
        )

    def declared(self, setting: Setting) -> Work | None:
        """The declared work at a setting, None where none is declared.

        Raises:
            WorkloadError: what is declared is no `Work`, or no amount.
        """
        if self.work is None:
            return None
        declared = self.work(setting)
        if not isinstance(declared, Work):
            raise WorkloadError(f"its work is a {type(declared).__name__}", "return a serialprof.Work")
        return declared.checked()

    def stepper(self, setting: Setting) -> Stepper:
        """Builds the workload at a setting; a plain step function is wrapped into a stepper.

        Raises:
            WorkloadError: what the build function returned is neither.
        """
        built = self.build(setting)
        if isinstance(built, Stepper):
            return built
        if callable(built):
            return StepFunction(built)
        raise WorkloadError(
            f"workload {self.name!r} returned {type(built).__name__}",
            "return a function that runs one step, or an object with run(steps)",
        )


class StepFunction:
    """A stepper around a function that runs one step."""

    def __init__(self, step: Callable[[], object]) -> None:
        self.step = step

    def run(self, steps: int, /) -> None:
        """Calls the function so many times."""
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
    devices: Sequence[str] = ...,
    dtypes: Sequence[str] = ...,
    open_ended: bool = ...,
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
    devices: Sequence[str] = ("cpu",),
    dtypes: Sequence[str] = ("fp32",),
    open_ended: bool = False,
) -> Workload | Callable[[_Build], Workload]:
    """Declares a workload: decorates a function that builds a stepper for a setting.

    `depth` and `width` name the knobs for people to read ("tokens", "batch"); the other arguments are the fields of
    `Workload`. Works bare (`@workload`) and with arguments.

    Returns:
        A `Workload` in place of the function.
    """

    def declare(build: _Build) -> Workload:
        return Workload(
            name=_word("name", name or build.__name__),
            build=build,
            summary=_word("summary", summary or (build.__doc__ or "").strip().partition("\n")[0]),
            depth_name=_word("depth", depth, "default_depth"),
            width_name=_word("width", width, "widths"),
            widths=_counts("widths", widths),
            quick_widths=_counts("quick_widths", quick_widths if quick_widths is not None else tuple(widths)[:4]),
            depth=_counts("default_depth", [default_depth])[0],
            parameters={str(key): _parameter(str(key), value) for key, value in (parameters or {}).items()},
            forms=tuple(form for form in FORMS if form in forms),
            modes=tuple(map(str, modes)),
            work=work,
            hatch=_word("hatch", hatch or ""),
            min_threads=_counts("min_threads", [min_threads])[0],
            requires=tuple(requires),
            devices=_among("devices", devices, DEVICES),
            dtypes=_among("dtypes", dtypes, DTYPES),
            open_ended=bool(open_ended),
        )

    return declare if function is None else declare(function)


def _word(name: str, value: object, number: str = "") -> str:
    """A text for people; where a number is given, the argument that takes one is named."""
    if isinstance(value, str):
        return value
    raise WorkloadError(f"{name} = {value!r} is no text", f"give the number as {number}" if number else "")


def _counts(name: str, values: Sequence[int]) -> tuple[int, ...]:
    """Whole numbers from 1 on, as plain ints, whatever integer type they came in."""
    try:
        counts = tuple(operator.index(value) for value in values)
    except TypeError:
        raise WorkloadError(f"{name} = {values!r} holds something that is no whole number") from None
    if not counts or min(counts) < 1 or max(counts) > MOST_LANES:
        raise WorkloadError(f"{name} = {values!r} is no list of whole numbers from 1 to 2**62")
    return counts


def _among(name: str, values: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Some of the known words, in the order in which they are declared."""
    chosen = tuple(dict.fromkeys(map(str, values)))
    if isinstance(values, str) or not chosen or not set(chosen) <= set(known):
        raise WorkloadError(f"{name} = {values!r} is no list of some of {', '.join(known)}")
    return chosen


def _arithmetic(value: object) -> Arithmetic | None:
    if value is None:
        return None
    for known in ARITHMETICS:
        if value == known:
            return known
    raise WorkloadError(f"arithmetic = {value!r} is none of {', '.join(ARITHMETICS)}")


def _amount(name: str, value: float) -> float:
    """A finite number from 0 on, as a plain float."""
    try:
        amount = float(value)
    except (TypeError, ValueError):
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise WorkloadError(f"its declared {name} is {value!r}, no finite number from 0 on")
    return amount


def _parameter(name: str, value: object) -> ParameterValue:
    """A parameter's default as a plain int, float or str."""
    if isinstance(value, str):
        return str(value)
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise WorkloadError(f"parameter {name} = {value!r} is no number and no text")
