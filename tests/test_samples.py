# SPDX-License-Identifier: Apache-2.0
"""Samples by column: what is read off them, and that it is worked out once."""

from __future__ import annotations

import math
from collections.abc import Iterator

from serialprof.samples import Sample, Samples


class Counted(list[float | None]):
    """A column that counts how often it was gone through."""

    passes = 0

    def __iter__(self) -> Iterator[float | None]:
        self.passes += 1
        return super().__iter__()


def test_the_clock_is_the_mean_of_what_the_meter_read() -> None:
    samples = Samples.of(
        [
            Sample(1.0, 1.0, 0, clock_before=2e9, clock_after=3e9),
            Sample(1.0, 1.0, 0, clock_before=None, clock_after=math.inf),
            Sample(1.0, 1.0, 0, clock_before=0.0, clock_after=4e9),
        ]
    )
    assert samples.clock == 3e9
    assert samples[1:2].clock is None
    assert Samples().clock is None


def test_a_report_asks_again_for_nothing() -> None:
    before = Counted([2e9, 4e9])
    samples = Samples([1.0, 2.0], [1.0, 2.0], [0, 0], ["", "stolen"], [0, 0], before, [None, None])
    assert [samples.clock, samples.clock] == [3e9, 3e9]
    assert before.passes == 1
    assert samples.sound is samples.sound
    assert list(samples.sound.seconds) == [1.0]
