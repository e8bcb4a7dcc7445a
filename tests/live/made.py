# SPDX-License-Identifier: Apache-2.0
"""Recordings with known figures, made by the native recorder on a made clock."""

from __future__ import annotations

import random
from dataclasses import replace

from serialprof.live.records import Loop, Losses, StoredLive
from serialprof.live.view import Live
from tests.live.replay import DECODE, FORWARD, NEXT, SAMPLE, recorded
from tests.made import machine

NOTHING = Losses()


def loop(
    count: int = 4000, seed: int = 1, slow: int = 0, drift: float = 0.0, warm: int = 0, level: float = 0.0
) -> Loop:
    """Steps of about 100 ticks of 1 us: 10 in next(loop), 60 in forward, 20 in sample, 10 in no region, with noise.

    Args:
        count: steps.
        seed: of the noise.
        slow: every so many steps, sample takes 1000 more.
        drift: share by which forward becomes longer over the recording.
        warm: first steps in which forward takes 500 more.
        level: share by which forward is longer in every other stretch of 2500 steps.
    """
    draw = random.Random(seed)
    calls, now = [("begin", DECODE, 0)], 0
    for index in range(count):
        forward = 60 * (1 + drift * index / count + level * (index // 2500 % 2)) + 500 * (index < warm)
        parts = ((NEXT, 10), (FORWARD, forward), (SAMPLE, 20 + 1000 * (slow > 0 and index % slow == slow - 1)))
        for name, mean in parts:
            end = now + max(1, round(mean + draw.gauss(0, 2)))
            calls += [("enter", name, now), ("leave", name, end)]
            now = end
        now += 10
        calls.append(("step", DECODE, now))
    (made,), _, _ = recorded([*calls, ("end", DECODE, now)])
    return made


def with_cpu(made: Loop, thread: float, process: float) -> Loop:
    """The same with CPU times: shares of the wall time."""
    blocks = tuple(
        replace(block, covered=block.seconds, thread=thread * block.seconds, process=process * block.seconds)
        for block in made.blocks
    )
    return replace(made, blocks=blocks)


def live(*loops: Loop, losses: Losses = NOTHING) -> Live:
    """A recording of these loops."""
    return Live(
        StoredLive(
            live_id="0123456789abcdef",
            started=1.7e9,
            duration=12.5,
            version="0.1.0",
            command=("python", "serve.py", "<b>"),
            machine=machine(),
            loops=loops,
            outside=(),
            losses=losses,
        )
    )
