# SPDX-License-Identifier: Apache-2.0
"""What a device can do at best as torch drives it: the limits that a step is compared with.

Every part that fails is left out with its reason. Times of short things are lower quartiles of many turns, for
disturbances only add; what a bandwidth is of is a sum over a buffer, and FLOP per second are those of a matrix product.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from serialprof.devicelimits import DeviceLimits, DeviceRung
from serialprof.measure.devicefacts import matrix, see_device
from serialprof.measure.kernels import trace_of
from serialprof.measure.robust import undisturbed
from serialprof.measure.turns import in_turns
from serialprof.setting import CPU, on_cuda

if TYPE_CHECKING:
    import torch

__all__ = ["probe_device", "see_device"]

#: Shares of the time that the latencies, all bandwidths, and all matrix products take.
_LATENCIES: Final = 0.4
_BANDWIDTHS: Final = 0.3
_PRODUCTS: Final = 0.3
#: Operations that one timing of a launch consists of: fewer than fit into a device's queue.
_LAUNCHES: Final = 400
#: Cycles for which a device is kept busy for each operation that is enqueued meanwhile: about 50 us.
_AHEAD: Final = 100_000
#: Kernels of a graph, and operations that are profiled.
_NODES: Final = 200
_PROFILED: Final = 50
_ELEMENTS: Final = 8
#: Sides of square matrices: the first product that is tried, and the largest.
_SMALLEST: Final = 128
_LARGEST: Final = {"cpu": 2048, "cuda": 8192}
#: Footprints on the CPU: octaves where an L3 may end, fewer elsewhere; and the share of free memory that one may take.
_CPU_RUNGS: Final = tuple(1 << power for power in (18, 20, 22, 23, 24, 25, 26, 28))
_FREE_SHARE: Final = 0.125
#: A CUDA device's footprints in multiples of its cache.
_CUDA_RUNGS: Final = (0.125, 0.5, 1.0, 2.0, 16.0)


def probe_device(device: str, dtypes: Sequence[str], threads: int, seconds: float) -> DeviceLimits:
    """The limits of a device, measured.

    Args:
        device: "cpu", "cuda" or "cuda:N".
        dtypes: element types of the matrix products; those that the device lacks are left out.
        threads: of the host that torch computes with.
        seconds: about what it takes once torch is imported; a part that fails leaves its own unused.

    Raises:
        CannotMeasureError: as `see_device`.
    """
    limits, known = see_device(device)
    import torch

    torch.set_num_threads(threads)
    limits = replace(limits, threads=1 if on_cuda(device) else threads)
    driver: _Driver = _Cuda(limits.device) if on_cuda(device) else _Host()
    with torch.no_grad():
        limits = _add(limits, "launch", lambda: driver.latencies(_LATENCIES * seconds))
        limits = _add(limits, "bandwidth", lambda: {"bandwidth": _bandwidth(limits, driver, _BANDWIDTHS * seconds)})
        for dtype in dtypes:
            if dtype not in known:
                limits.unmeasured[dtype] = "the device does not compute in it"
                continue
            share = _PRODUCTS * seconds / len(dtypes)
            limits = _add(limits, dtype, lambda: _product(limits, driver, dtype, share))  # noqa: B023 - called at once
    return limits


class _Driver(Protocol):
    """How a device is timed."""

    @property
    def device(self) -> str:
        """Its name."""

    def latencies(self, seconds: float) -> dict[str, float | str]:
        """Seconds by attribute of DeviceLimits; or why there are none."""

    def timing(self, work: Callable[[], object], count: int) -> float:
        """Seconds of one of so many pieces of work in a row, until all are done."""


class _Host:
    """The CPU: what is called is done when it returns."""

    device = CPU

    def latencies(self, seconds: float) -> dict[str, float | str]:
        _, operation = _tiny(CPU)
        turns = in_turns({"launch": lambda: [self.timing(operation, _LAUNCHES)]}, seconds, growth=1.0)
        launch = undisturbed(turns["launch"])
        return {"launch": launch, **_attempt("floor", lambda: min(launch, _floor(CPU, operation)))}

    def timing(self, work: Callable[[], object], count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            work()
        return (time.perf_counter() - began) / count


class _Cuda:
    """A CUDA device: what is called is enqueued, and the host goes on."""

    def __init__(self, device: str) -> None:
        self.device = device

    def latencies(self, seconds: float) -> dict[str, float | str]:
        import torch

        torch.cuda.set_device(self.device)
        state, operation = _tiny(self.device)
        found: dict[str, float | str] = dict(_attempt("floor", lambda: _floor(self.device, operation)))
        things: dict[str, Callable[[], list[float]]] = {
            "synchronise": lambda: [self._host(self._wait, before=self._wait)],
            "read_back": lambda: [self._host(state[0].item, before=self._wait)],
            "launch": lambda: [self._host(lambda: _repeat(operation, _LAUNCHES), before=self._wait) / _LAUNCHES],
        }
        try:
            graph = self._graph(operation)
        except RuntimeError as error:
            found |= dict.fromkeys(("replay", "gap"), _words(error))
        else:
            things["replay"] = lambda: [self._host(graph.replay, before=self._wait)]
            things["gap"] = lambda: [self.timing(graph.replay, 5) / _NODES]
        turns = in_turns(things, seconds, growth=10.0)
        found |= {name: undisturbed(readings) for name, readings in turns.items()}
        found |= {name: "its time was up" for name in things if name not in found}
        gap, floor = found.get("gap"), found.get("floor")
        if isinstance(gap, float):
            between = gap - floor if isinstance(floor, float) else None
            found["gap"] = "the shortest kernel is not known" if between is None else between
            if between is not None and between <= 0:
                found["gap"] = "it is below what can be resolved"
        return found

    def timing(self, work: Callable[[], object], count: int) -> float:
        import torch

        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        self._wait()
        stream = torch.cuda.current_stream(self.device)
        torch.cuda._sleep(_AHEAD * count)  # meanwhile the host runs ahead, so that its time is not the device's
        first.record(stream)
        _repeat(work, count)
        last.record(stream)
        last.synchronize()
        return float(first.elapsed_time(last)) * 1e-3 / count

    def _wait(self) -> None:
        import torch

        torch.cuda.synchronize(self.device)

    def _host(self, work: Callable[[], object], before: Callable[[], object]) -> float:
        """Host seconds of some work on an idle device."""
        before()
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    def _graph(self, operation: Callable[[], object]) -> torch.cuda.CUDAGraph:
        """A captured chain of tiny kernels."""
        import torch

        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            _repeat(operation, _NODES)
        graph.replay()
        self._wait()
        return graph


def _bandwidth(limits: DeviceLimits, driver: _Driver, seconds: float) -> tuple[DeviceRung, ...]:
    """Bytes per second by footprint, what a short operation takes in any case left out."""
    footprints = _footprints(limits)
    overhead = (limits.floor if on_cuda(limits.device) else limits.launch) or 0.0
    rungs = []
    for footprint in footprints:
        took = _sum_seconds(driver, footprint, seconds / len(footprints))
        rungs.append(DeviceRung(footprint, footprint / max(took - overhead, 0.5 * took)))
    return tuple(rungs)


def _sum_seconds(driver: _Driver, footprint: int, seconds: float) -> float:
    """Seconds in which a device sums up a buffer that it has read before."""
    import torch

    buffer = torch.ones(footprint // 4, dtype=torch.float32, device=driver.device)
    driver.timing(buffer.sum, 3)
    return _steady(driver, buffer.sum, seconds)


def _product(limits: DeviceLimits, driver: _Driver, dtype: str, seconds: float) -> dict[str, dict[str, float]]:
    """FLOP per second of the largest square product that fits its time, beside those that are known."""
    side, most, took = _SMALLEST, _LARGEST[driver.device.partition(":")[0]], 0.0
    while True:
        factor = matrix(side, dtype, driver.device)
        product = factor.matmul
        driver.timing(lambda: product(factor), 2)  # noqa: B023 - called at once
        took = driver.timing(lambda: product(factor), 2)  # noqa: B023
        if side >= most or 8 * took * 10 > seconds:
            break
        side *= 2
    took = min(took, _steady(driver, lambda: product(factor), seconds / 2))
    return {"flops": {**limits.flops, dtype: 2.0 * side**3 / took}}


def _steady(driver: _Driver, work: Callable[[], object], seconds: float) -> float:
    """Seconds of one piece of work, from timings of at least a millisecond."""
    first = driver.timing(work, 1)
    count = max(1, min(_LAUNCHES, int(1e-3 / max(first, 1e-7))))
    turns = in_turns({"work": lambda: [driver.timing(work, count)]}, seconds, growth=1.0, most=50)
    return undisturbed(turns.get("work", [first]))


def _floor(device: str, operation: Callable[[], object]) -> float:
    """Seconds of the tiny operation's own kernel by the profiler."""
    from torch.profiler import ProfilerActivity, profile

    cuda = on_cuda(device)
    operation()
    with profile(
        activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])], acc_events=True
    ) as profiler:
        _repeat(operation, _PROFILED)
        if cuda:
            import torch

            torch.cuda.synchronize(device)
    lengths = [end - begin for begin, end in trace_of(profiler.events(), on_cuda=cuda).kernels]
    if not lengths:
        raise RuntimeError("the profiler saw no kernel")
    return statistics.median(lengths)


def _tiny(device: str) -> tuple[torch.Tensor, Callable[[], object]]:
    """A tiny tensor and an operation on it that needs its last one's result; run before, so that kernels are loaded."""
    import torch

    state, one = torch.zeros(_ELEMENTS, device=device), torch.ones(_ELEMENTS, device=device)

    def operation() -> object:
        return torch.add(state, one, out=state)

    _repeat(operation, _LAUNCHES)
    return state, operation


def _repeat(work: Callable[[], object], count: int) -> None:
    for _ in range(count):
        work()


def _footprints(limits: DeviceLimits) -> tuple[int, ...]:
    """The footprints that are read, ascending."""
    import psutil
    import torch

    if on_cuda(limits.device):
        cache = limits.cache or 32 << 20
        most = int(_FREE_SHARE * torch.cuda.mem_get_info(limits.device)[0])
        return tuple(sorted({min(int(multiple * cache), most) for multiple in _CUDA_RUNGS}))
    most = int(_FREE_SHARE * psutil.virtual_memory().available)
    return tuple(sorted({min(size, most) for size in _CPU_RUNGS}))


def _add(limits: DeviceLimits, name: str, measure: Callable[[], dict[str, Any]]) -> DeviceLimits:
    """Limits with what a part measured; a reason in place of a value, or an error, goes to `unmeasured`."""
    try:
        found = measure()
    except (RuntimeError, MemoryError, OSError) as error:
        found = {name: _words(error)}
    reasons = {key: value for key, value in found.items() if isinstance(value, str)}
    values = {key: value for key, value in found.items() if key not in reasons}
    return replace(limits, **values, unmeasured=limits.unmeasured | reasons)


def _attempt(name: str, measure: Callable[[], float]) -> dict[str, float | str]:
    try:
        return {name: measure()}
    except RuntimeError as error:
        return {name: _words(error)}


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
