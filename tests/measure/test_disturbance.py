# SPDX-License-Identifier: Apache-2.0
"""The rule by which samples are left out, on its edges."""

import math

import pytest

from serialprof.measure.disturbance import TOLERANCE, of_sample, of_visit
from serialprof.setting import Setting

NATIVE, EAGER = Setting(mode="native"), Setting(mode="eager")


@pytest.mark.parametrize(
    ("setting", "lost", "flag"),
    [
        (NATIVE, 0.0, ""),
        (NATIVE, TOLERANCE * 2.0, ""),
        (NATIVE, TOLERANCE * 2.0 + 1e-6, "kept off the CPU"),
        (NATIVE, -1.0, ""),
        (EAGER, TOLERANCE * 2.0, ""),
        (EAGER, TOLERANCE * 2.0 + 1e-6, "kept off the CPU"),
        (Setting(mode="process"), 2.0, ""),
    ],
)
def test_a_sample_may_be_kept_off_the_cpu_for_a_twentieth(setting: Setting, lost: float, flag: str) -> None:
    assert of_sample(setting, 2.0, lost) == flag


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan])
@pytest.mark.parametrize("setting", [NATIVE, EAGER])
def test_a_sample_that_took_no_time_is_none(seconds: float, setting: Setting) -> None:
    assert of_sample(setting, seconds, 0.0) == "the clock jumped"


def test_an_undisturbed_visit_has_no_flag() -> None:
    assert of_visit(1.0, None, 1, None, steady=True) == ""
    assert of_visit(1.0, 0.0, 1, 0, steady=True) == ""


@pytest.mark.parametrize(
    ("seconds", "steal", "threads", "flagged"),
    [
        (0.1, 0.01, 1, False),  # one step of the kernel's count, which may be the rest of something earlier
        (0.1, 0.02, 1, True),
        (0.39, 0.02, 1, True),
        (0.41, 0.02, 1, False),  # less than a twentieth
        (0.2, 0.02, 2, False),  # less than a twentieth of both CPUs' time
        (0.19, 0.02, 2, True),
    ],
)
def test_steal_counts_from_a_twentieth_and_two_steps_of_its_count(
    seconds: float, steal: float, threads: int, flagged: bool
) -> None:
    flag = of_visit(seconds, steal, threads, None, steady=True)
    assert flag == ("stolen by the hypervisor" if flagged else "")


def test_one_throttling_is_enough() -> None:
    assert of_visit(1.0, None, 1, 1, steady=True) == "throttled"


def test_what_is_not_warmed_up_is_said_first() -> None:
    assert of_visit(0.1, 0.1, 1, 3, steady=False) == "not warmed up"
    assert of_visit(0.1, 0.1, 1, 3, steady=True) == "throttled"
