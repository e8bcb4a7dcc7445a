# SPDX-License-Identifier: Apache-2.0
"""torch.cuda as far as live recording needs it: a device that does what it was given when the test lets it."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest


class FakeCuda:
    """Events are stamped with the device's time of the work that was enqueued before them.

    Attributes:
        now: seconds of the host's clock.
        queued: seconds of work that was enqueued so far.
        done: seconds of work that the device has done.
        stream: the current one.
        capturing: whether a graph is being captured.
        initialised: whether torch uses CUDA.
        waited: calls that would wait for the device.
    """

    def __init__(self) -> None:
        self.now = self.queued = self.done = 0.0
        self.stream, self.capturing, self.initialised = "stream", False, True
        self.waited = 0

    def lay(self, patch: pytest.MonkeyPatch) -> FakeCuda:
        """Puts a torch whose cuda this is into sys.modules."""
        fake = self

        class Event:
            def __init__(self, *, enable_timing: bool) -> None:
                assert enable_timing and not fake.capturing
                self.at = -1.0

            def record(self, stream: object) -> None:
                assert stream == fake.stream
                fake.now += 2e-6
                self.at = fake.queued

            def query(self) -> bool:
                return self.at <= fake.done

            def elapsed_time(self, last: Event) -> float:
                assert self.query() and last.query()
                return 1e3 * (last.at - self.at)

            def synchronize(self) -> None:
                fake.waited += 1

        cuda = SimpleNamespace(
            Event=Event,
            is_initialized=lambda: fake.initialised,
            current_stream=lambda: fake.stream,
            is_current_stream_capturing=lambda: fake.capturing,
        )
        patch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
        return self

    def enqueue(self, seconds: float) -> None:
        """Work for the device; the host goes on at once."""
        self.queued += seconds
        self.now += 5e-6
