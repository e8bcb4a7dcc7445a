# SPDX-License-Identifier: Apache-2.0
import time

import pytest

from serialprof import _native


@pytest.fixture(autouse=True)
def _permitted() -> None:
    try:
        _native.Thief(0, 0.1, seconds=0.01).stop()
    except OSError as error:
        pytest.skip(f"no real-time thread here: {error}")


def test_it_takes_time_and_nothing_after_it_was_stopped() -> None:
    thief = _native.Thief(0, 0.5)
    while thief.taken() < 0.01:
        time.sleep(0.001)
    thief.stop()
    taken = thief.taken()
    time.sleep(0.01)
    assert thief.taken() == taken > 0
    thief.stop()


def test_it_ends_by_itself() -> None:
    thief = _native.Thief(0, 0.5, seconds=0.02)
    time.sleep(0.5)
    before = thief.taken()
    time.sleep(0.5)
    assert thief.taken() - before < 0.05  # it would take 0.25 s; now it looks once a period whether it may be joined
    thief.stop()


@pytest.mark.parametrize("share", [0.0, -0.1, 0.51, 1.0, float("nan")])
def test_it_never_takes_more_than_half(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        _native.Thief(0, share)


@pytest.mark.parametrize(("name", "value"), [("period", 1e-5), ("period", 0.1), ("seconds", 0.0), ("seconds", 61.0)])
def test_its_period_and_its_time_are_bounded(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        _native.Thief(0, 0.5, **{name: value})
