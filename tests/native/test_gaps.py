# SPDX-License-Identifier: Apache-2.0
import threading
import time

import pytest

from serialprof import _native


def test_a_threshold_that_no_gap_exceeds_finds_none() -> None:
    count, lost, longest, spun = _native.find_gaps(0.02, 0.02)
    if count == 0:  # an interruption as long as the whole spin is possible
        assert (lost, longest) == (0.0, 0.0)
    assert spun >= 0.0199


def test_a_threshold_below_one_reading_finds_every_reading() -> None:
    count, lost, longest, spun = _native.find_gaps(0.01, 1e-12)
    assert count > 1000
    assert lost == pytest.approx(spun, rel=0.05)  # the gaps are then the whole time
    assert lost / count <= longest <= lost


def test_the_interpreter_goes_on_meanwhile() -> None:
    counted = 0
    thread = threading.Thread(target=_native.find_gaps, args=(0.2, 1e-6))
    thread.start()
    while thread.is_alive():
        counted += 1
        time.sleep(0.001)
    assert counted > 5


@pytest.mark.parametrize(("seconds", "threshold"), [(0.0, 1e-6), (61.0, 1e-6), (1.0, 0.0), (1.0, 2.0)])
def test_refuses_what_is_out_of_range(seconds: float, threshold: float) -> None:
    with pytest.raises(ValueError, match="lies outside"):
        _native.find_gaps(seconds, threshold)
