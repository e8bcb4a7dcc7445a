# SPDX-License-Identifier: Apache-2.0
"""Steppers around torch functions: steps that follow one another, and passes that do all of them in one go.

Every mode runs the very same function, which updates a state in tensors that were allocated beforehand: "eager" calls
it, "compile" calls what torch.compile made of it, "graph" replays what a CUDA graph recorded of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

    from serialprof.setting import Setting

Call: TypeAlias = Callable[[], object]
#: Tensors that one call of a step function takes.
Feed: TypeAlias = "tuple[Tensor, ...]"

WARM_UPS: Final = 3  # calls before a capture: libraries and autotuners allocate in the first ones


class TorchStepper:
    """Runs a step function as often as it is asked to.

    On a CUDA device run() and delayed() enqueue, and sync() waits; elsewhere there is nothing to wait for, and trace()
    records when the steps ended.

    Args:
        setting: its device and mode say how.
        step: one step: updates the state in place, with what it computed from it.
        reset: gives the state its first value.
        check: compares a short run of the stepper that it is given with a known answer.
        feeds: arguments of the steps; step i takes feeds[i % len(feeds)].

    Raises:
        ValueError: an unknown mode.
    """

    def __init__(
        self,
        setting: Setting,
        step: Callable[..., object],
        reset: Call,
        check: Callable[[TorchStepper], None],
        feeds: Sequence[Feed] = ((),),
    ) -> None:
        self._depth, self._reset, self._check = setting.depth, reset, check
        self._calls = prepared(setting, step, feeds, reset)
        if setting.on_cuda:
            self.sync = partial(synchronise, setting.device)
        else:
            self.trace = self._trace

    def run(self, steps: int, /) -> None:
        """Resets the state and runs (on a CUDA device: enqueues) so many steps, at most the depth it was built for."""
        import torch

        with torch.inference_mode():
            for call in self._begin(steps):
                call()

    def delayed(self, steps: int, seconds: float, /) -> None:
        """The same, while the thread that drives the steps spins for so long after each of them."""
        import torch

        from serialprof.measure.delay import spin

        with torch.inference_mode():
            for call in self._begin(steps):
                call()
                spin(seconds)

    def _trace(self, steps: int, ticks: Any) -> float:
        """The same as run, with nanoseconds at the start and at the end of every step; returns the seconds of one."""
        import torch

        now = time.perf_counter_ns
        with torch.inference_mode():
            calls = self._begin(steps)
            ticks[0] = now()
            for index, call in enumerate(calls, 1):
                call()
                ticks[index] = now()
        return 1e-9

    def _begin(self, steps: int) -> islice[Call]:
        within(steps, self._depth)
        self._reset()
        return islice(cycle(self._calls), steps)

    def check(self) -> None:
        """Compares a short run with a known answer.

        Raises:
            AssertionError: they differ.
        """
        self._check(self)


class PassStepper:
    """Does all steps of a run in one pass: the wide form, or one kernel that holds many steps.

    Attributes:
        result: what the last pass returned.

    Args:
        setting: its device and mode say how.
        whole: does so many steps at once, and returns their results.
        reset: gives the state its first value.
        check: as for `TorchStepper`.

    Raises:
        ValueError: an unknown mode.
    """

    def __init__(
        self,
        setting: Setting,
        whole: Callable[[int], object],
        reset: Call,
        check: Callable[[PassStepper], None],
    ) -> None:
        if setting.mode not in ("eager", "compile", "graph", "fused"):
            raise ValueError(f"mode = {setting.mode!r} is none of eager, compile, graph, fused")
        self._setting, self._reset, self._check = setting, reset, check
        self._whole = compiled(whole) if setting.mode == "compile" else whole
        self._passes: dict[int, tuple[Call, object]] = {}  # a graph and where it puts its results, by steps
        self.result: Any = None
        if setting.on_cuda:
            self.sync = partial(synchronise, setting.device)

    def run(self, steps: int, /) -> None:
        """Resets the state and does (on a CUDA device: enqueues) so many steps, at most the depth it was built for."""
        import torch

        within(steps, self._setting.depth)
        with torch.inference_mode():
            self._reset()
            self._pass(steps)

    def delayed(self, steps: int, seconds: float, /) -> None:
        """The same, after a spin of so long for every step: a pass has no host between its steps."""
        from serialprof.measure.delay import spin

        spin(steps * seconds)
        self.run(steps)

    def _pass(self, steps: int) -> None:
        if self._setting.mode != "graph":
            self.result = self._whole(steps)
            return
        if steps not in self._passes:
            replay = captured([partial(self._keep, steps)], self._reset)[0]
            self._passes[steps] = replay, self.result
            self._reset()
        replay, self.result = self._passes[steps]
        replay()

    def _keep(self, steps: int) -> None:
        self.result = self._whole(steps)

    def check(self) -> None:
        """Compares a short run with a known answer.

        Raises:
            AssertionError: they differ.
        """
        self._check(self)


def prepared(setting: Setting, step: Callable[..., object], feeds: Sequence[Feed], reset: Call) -> list[Call]:
    """One call for each feed, in the mode of a setting.

    Raises:
        ValueError: an unknown mode.
    """
    if setting.mode == "compile":
        step = compiled(step)
    elif setting.mode not in ("eager", "graph"):
        raise ValueError(f"mode = {setting.mode!r} is none of eager, compile, graph")
    calls: list[Call] = [partial(step, *feed) for feed in feeds]
    return captured(calls, reset) if setting.mode == "graph" else calls


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """What torch.compile makes of a function, for the shapes that it is called with.

    The function gets a code object of its own: torch keeps what it compiled by code object, refuses more than some
    versions of one, and a sweep builds one for every batch size.
    """
    import torch

    assert isinstance(function, FunctionType)
    own = FunctionType(
        function.__code__.replace(),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    result: Callable[..., Any] = torch.compile(own, fullgraph=True, dynamic=False)
    return result


def captured(calls: Sequence[Call], reset: Call) -> list[Call]:
    """Each call as the replay of a CUDA graph of its own; they share one pool of memory, and run one after another.

    A graph knows addresses, and keeps no tensor alive: whatever a call reads or writes lives as long as its replay.
    """
    import torch

    pool, replays = torch.cuda.graph_pool_handle(), list[Call]()
    with torch.inference_mode():
        for call in calls:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UPS):
                    reset()
                    call()
            torch.cuda.current_stream().wait_stream(side)
            reset()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool):
                call()
            replays.append(partial(_replay, graph, call))
    return replays


def _replay(graph: Any, _captured: Call) -> None:
    graph.replay()


def synchronise(device: str) -> None:
    """Waits for a CUDA device."""
    import torch

    torch.cuda.synchronize(device)


def within(steps: int, depth: int) -> None:
    """Refuses more steps than a stepper was built for.

    Raises:
        ValueError: there are more.
    """
    if steps > depth:
        raise ValueError(f"{steps} steps are more than the depth of {depth} that this was built for")


def nothing() -> None:
    """What a state that no step changes needs before step 0."""
