# SPDX-License-Identifier: Apache-2.0
"""Little workloads, each with one planted defect; loaded by workers alone.

Margins are tenfold by construction, since the tests run on busy machines.
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from serialprof.catalog import Affine, Work, workload
from serialprof.setting import Setting

WIDTHS = (1, 4, 64)


def spin(seconds: float) -> None:
    """Keeps a CPU busy for so many CPU seconds of this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def little(flops: float = 1.0, bytes_: float = 8.0, footprint: float = 8.0) -> Work:
    return Work(
        serial_ops=1,
        flops=Affine(per_lane=flops),
        bytes=Affine(per_lane=bytes_),
        footprint=Affine(per_lane=footprint),
        lanes=Affine(per_lane=1),
    )


class Sound:
    """Lanes of a number each, which are reset at the start of a run."""

    def __init__(self, setting: Setting) -> None:
        self.start = np.random.default_rng(setting.seed).random(setting.width)
        self.lanes = self.start

    def run(self, steps: int) -> None:
        self.lanes = self.start.copy()
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        self.lanes = self.lanes * 3.9 * (1 - self.lanes)


@workload(widths=WIDTHS, work=lambda setting: little())
def sound(setting: Setting) -> Sound:
    return Sound(setting)


@workload(widths=WIDTHS)
def sound_function(setting: Setting):
    lanes = np.random.default_rng(setting.seed).random(setting.width)

    def step() -> None:
        np.multiply(lanes, 3.9 * (1 - lanes), out=lanes)

    return step


@workload(widths=WIDTHS)
def constant(setting: Setting) -> Sound:
    class Constant(Sound):
        def run(self, steps: int) -> None:
            super().run(10)

    return Constant(setting)


@workload(widths=WIDTHS)
def stateless(setting: Setting):
    inputs = np.ones(setting.width)
    return lambda: np.tanh(inputs)


@workload(widths=WIDTHS)
def narrow(setting: Setting):
    n = 0.1

    def step() -> None:
        nonlocal n
        n = 3.9 * n * (1 - n)

    return step


@workload(widths=WIDTHS)
def leaks(setting: Setting) -> Sound:
    class Leaks(Sound):
        kept: list = []  # noqa: RUF012 - the defect

        def step(self) -> None:
            super().step()
            self.kept.append([0])

    return Leaks(setting)


@workload(widths=WIDTHS)
def drifts(setting: Setting):
    count = 0

    def step() -> None:
        nonlocal count
        count += 1 + setting.width // 100
        spin(3e-8 * count)

    return step


@workload(widths=WIDTHS)
def cools(setting: Setting):
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        spin(0.5 / count + 1e-7 * setting.width)

    return step


@workload(widths=WIDTHS)
def threaded(setting: Setting) -> Sound:
    class Threaded(Sound):
        pool = ThreadPoolExecutor(4)

        def step(self) -> None:
            super().step()
            list(self.pool.map(spin, [1e-4] * 4))

    return Threaded(setting)


@workload(widths=WIDTHS)
def unawaited(setting: Setting) -> Sound:
    class Unawaited(Sound):
        pool = ThreadPoolExecutor(1)

        def step(self) -> None:
            super().step()
            self.pool.submit(spin, 2e-3)

    return Unawaited(setting)


@workload(widths=WIDTHS, work=lambda setting: little(flops=1e15))
def boasts_flops(setting: Setting) -> Sound:
    return Sound(setting)


@workload(widths=WIDTHS, work=lambda setting: little(bytes_=1e15))
def boasts_bytes(setting: Setting) -> Sound:
    return Sound(setting)


@workload(widths=WIDTHS, work=lambda setting: little(footprint=1e11))
def boasts_footprint(setting: Setting) -> Sound:
    return Sound(setting)


@workload(widths=WIDTHS, forms=("serial", "wide"))
def wide_does_more(setting: Setting) -> Sound:
    class Other(Sound):
        def run(self, steps: int) -> None:
            super().run(steps * (1 if setting.form == "serial" else 30))

    return Other(setting)


@workload(widths=WIDTHS)
def goes_on(setting: Setting) -> Sound:
    class GoesOn(Sound):
        def run(self, steps: int) -> None:
            for _ in range(steps):
                self.step()

    return GoesOn(setting)


@workload(widths=WIDTHS)
def random(setting: Setting) -> Sound:
    class Random(Sound):
        def __init__(self, setting: Setting) -> None:
            super().__init__(setting)
            self.start = np.random.default_rng().random(setting.width)

    return Random(setting)


@workload(widths=WIDTHS)
def wrong(setting: Setting) -> Sound:
    class Wrong(Sound):
        def check(self) -> None:
            raise AssertionError("the lanes went astray")

    return Wrong(setting)


@workload(widths=WIDTHS)
def raises(setting: Setting) -> Sound:
    class Raises(Sound):
        def step(self) -> None:
            raise ZeroDivisionError("no lanes are left")

    return Raises(setting)


@workload(widths=WIDTHS)
def sleeps(setting: Setting):
    return lambda: time.sleep(3600)


@workload(widths=WIDTHS)
def starts(setting: Setting) -> Sound:
    """In its very first step it starts one process."""
    started = []

    class Starts(Sound):
        def step(self) -> None:
            super().step()
            if not started:
                started.append(os.posix_spawn("/bin/true", ["true"], os.environ))

    return Starts(setting)


@workload(widths=WIDTHS)
def prints(setting: Setting) -> Sound:
    class Prints(Sound):
        def step(self) -> None:
            super().step()
            os.write(1, b"a step\n")

    return Prints(setting)


@workload(widths=WIDTHS, work=lambda setting: little())
def hides_memory(setting: Setting) -> Sound:
    class Hides(Sound):
        def __init__(self, setting: Setting) -> None:
            super().__init__(setting)
            self.hidden = np.ones((setting.width, 1 << 19))  # 4 MiB a lane

    return Hides(setting)


@workload(widths=WIDTHS)
def wanders(setting: Setting) -> Sound:
    os.chdir(tempfile.gettempdir())
    return Sound(setting)


@workload(widths=WIDTHS)
def roams(setting: Setting) -> Sound:
    class Roams(Sound):
        def step(self) -> None:
            super().step()
            os.sched_setaffinity(0, range(os.cpu_count() or 1))

    return Roams(setting)
