# SPDX-License-Identifier: Apache-2.0
"""What a GPU does at a moment: clocks, power, temperature, and why the clock is what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from serialprof.clock.nvml import LIBRARY, MEMORY, SM, Nvml, NvmlError
from serialprof.errors import CannotMeasureError

_MEGA: Final = 1_000_000
#: Bits of nvmlClocksEventReasons, by what NVML calls them. Idle and the clocks that a user chose are no trouble.
REASONS: Final = {
    0x001: "idle",
    0x002: "applications clocks",
    0x004: "power cap",
    0x008: "hardware slowdown",
    0x010: "sync boost",
    0x020: "heat (by software)",
    0x040: "heat (by hardware)",
    0x080: "power brake",
    0x100: "display clocks",
}
HARMLESS: Final = frozenset({"idle", "applications clocks"})

NO_NVML: Final = "there is no NVIDIA driver (NVML) on this machine"


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One look at a GPU; what NVML does not tell is None.

    Attributes:
        index: as NVML counts them.
        name: of the product.
        sm_clock, memory_clock: in Hz, at this moment.
        power: in watts.
        temperature: in degrees Celsius.
        reasons: why its clock is what it is, in words; empty where nothing holds it down.
    """

    index: int
    name: str
    sm_clock: int | None
    memory_clock: int | None
    power: float | None
    temperature: float | None
    reasons: tuple[str, ...] | None


def read_gpu(index: int, library: str = LIBRARY) -> GpuReading:
    """One look at one GPU.

    Args:
        index: as NVML counts them.
        library: file of NVML; another one for tests.

    Raises:
        CannotMeasureError: there is no NVML, or no such GPU.
    """
    try:
        with Nvml(library) as nvml:
            return look(nvml, index)
    except OSError as error:
        raise CannotMeasureError(NO_NVML) from error
    except NvmlError as error:
        raise CannotMeasureError(f"GPU {index} cannot be read: {error}") from error


def look(nvml: Nvml, index: int) -> GpuReading:
    """The same with a library that is initialised already.

    Raises:
        NvmlError: there is no such GPU.
    """
    power = _known(lambda: nvml.milliwatts(index))
    temperature = _known(lambda: nvml.temperature(index))
    mask = _known(lambda: nvml.event_reasons(index))
    return GpuReading(
        index,
        nvml.name(index),
        _hertz(_known(lambda: nvml.clock(index, SM))),
        _hertz(_known(lambda: nvml.clock(index, MEMORY))),
        None if power is None else power / 1e3,
        None if temperature is None else float(temperature),
        None if mask is None else reasons(mask),
    )


def reasons(mask: int) -> tuple[str, ...]:
    """Clock event reasons in words; bits that are not known here are told as such. Pure."""
    known = tuple(words for bit, words in REASONS.items() if mask & bit)
    return (*known, "another reason") if mask & ~sum(REASONS) else known


def _known(read: Callable[[], int]) -> int | None:
    """What NVML tells, None where it does not for this product or driver."""
    try:
        return read()
    except NvmlError:
        return None


def _hertz(megahertz: int | None) -> int | None:
    return None if megahertz is None else megahertz * _MEGA
