# SPDX-License-Identifier: Apache-2.0
"""torch.cuda as far as timing needs it, on a clock that work moves: a host that enqueues, a device that follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class FakeCuda:
    """Takes `launch` host seconds to enqueue a kernel that takes `kernel` seconds on the device, `gap` apart.

    Attributes:
        now: seconds of the host's clock.
        free: when the device will have done what it was given.
        log: calls, in order.
    """

    def __init__(self, launch: float = 4e-6, kernel: float = 2e-6, gap: float = 1e-6) -> None:
        self.launch, self.kernel, self.gap = launch, kernel, gap
        self.now, self.free = 0.0, 0.0
        self.log: list[str] = []
        self.captured: list[int] | None = None

    def enqueue(self) -> None:
        """One kernel, or one node of the graph that is being captured."""
        if self.captured is not None:
            self.captured.append(1)
            return
        self.now += self.launch
        self.free = max(self.free, self.now) + self.gap + self.kernel

    def sleep(self, cycles: int) -> None:
        """Keeps the device busy at 2 GHz."""
        self.now += self.launch
        self.free = max(self.free, self.now) + cycles / 2e9

    def synchronize(self, device: object = None) -> None:
        self.log.append(f"synchronize {device}")
        self.now = max(self.now, self.free) + 5e-6

    def lay(self, patch: pytest.MonkeyPatch, torch: Any) -> FakeCuda:
        """Puts torch.cuda and the clocks that tell time on this one."""
        fake = self

        class Event:
            def __init__(self, *, enable_timing: bool) -> None:
                assert enable_timing
                self.at = -1.0

            def record(self, stream: object) -> None:
                assert stream == "stream"
                self.at = max(fake.now, fake.free)

            def synchronize(self) -> None:
                fake.now = max(fake.now, self.at)

            def elapsed_time(self, last: Event) -> float:
                return 1e3 * (last.at - self.at)

        class Graph:
            def __init__(self) -> None:
                self.nodes: list[int] = []

            def replay(self) -> None:
                fake.now += 7e-6
                fake.free = max(fake.free, fake.now) + len(self.nodes) * (fake.gap + fake.kernel)

        @contextmanager
        def graph(captured: Graph) -> Iterator[None]:
            fake.captured = captured.nodes
            yield
            fake.captured = None

        replaced: dict[str, Callable[..., object]] = {
            "Event": Event,
            "CUDAGraph": Graph,
            "graph": graph,
            "synchronize": self.synchronize,
            "set_device": lambda device: self.log.append(f"set {device}"),
            "current_stream": lambda device: "stream",
            "_sleep": self.sleep,
        }
        for name, value in replaced.items():
            patch.setattr(torch.cuda, name, value)
        patch.setattr("time.perf_counter", lambda: self.now)
        return self
