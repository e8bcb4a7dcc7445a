# SPDX-License-Identifier: Apache-2.0
"""What steps touch, by the kernel's own count."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from serialprof.catalog import StepFunction
from serialprof.measure import touched as module
from serialprof.measure.touched import touched_by

MIB = 1 << 20


def summing(size: int) -> Callable[[], object]:
    cells = np.ones(size // 8)
    return lambda: cells.sum()


@pytest.mark.skipif(touched_by(StepFunction(int), 1) is None, reason="the kernel does not count referenced pages")
def test_what_steps_read_is_counted_and_what_they_only_hold_is_not() -> None:
    small, large = StepFunction(summing(MIB)), StepFunction(summing(65 * MIB))
    counts = [touched_by(each, 3) for each in (small, large, small)]
    assert all(count is not None for count in counts)
    first, wide, last = (count or 0 for count in counts)
    assert MIB < max(first, last) < 33 * MIB, "the other array is held, but not read"
    assert 60 * MIB < wide - min(first, last) < 70 * MIB


def test_the_smallest_count_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = tmp_path / "smaps_rollup"
    monkeypatch.setattr(module, "_FORGET", tmp_path / "clear_refs")
    monkeypatch.setattr(module, "_COUNTS", counts)
    sizes = iter([300, 100, 200])
    step = StepFunction(lambda: counts.write_text(f"Rss: 900 kB\nReferenced:  {next(sizes)} kB\nAnonymous: 5 kB\n"))
    assert touched_by(step, 1) == 100 * 1024
    assert (tmp_path / "clear_refs").read_text() == "1"
    counts.write_text("nothing of the kind")
    assert touched_by(StepFunction(int), 1) is None
    counts.unlink()
    assert touched_by(StepFunction(int), 1) is None
