# SPDX-License-Identifier: Apache-2.0
"""What is found in made observations, without any timing."""

from dataclasses import replace
from typing import Any

import pytest

from serialprof.catalog import Affine
from serialprof.checking.evidence import Failure, Peaks, WideForm, WidthTime, peaks_of
from serialprof.checking.judging import judge
from serialprof.checking.timing import one_way
from serialprof.limits import Limits, StreamRung
from serialprof.measure.observation import Aftermath, Conduct, DepthTime, Effort, State, Tally
from serialprof.setting import Setting
from tests.checking.made import EVIDENCE, OBSERVATION, STRETCHES, WORK, named, once, seen


def growing(per_stretch: int, name: str) -> tuple[Tally, ...]:
    base = Tally(30 << 20, 90_000, 6)
    return tuple(replace(base, **{name: getattr(base, name) + per_stretch * index}) for index in range(STRETCHES + 1))


SLOWING = tuple(1e-3 * 1.15**index for index in range(STRETCHES))
FLAT = (DepthTime(8, 1e-3), DepthTime(64, 1.02e-3), DepthTime(512, 1e-3), DepthTime(4096, 1.01e-3))
STEEP = (DepthTime(8, 1e-4), DepthTime(64, 6e-3))
LATE = Aftermath(waited=0.15, busy=0.14, runs=0.02)
STATE = State({"inputs": "a"})

NOISY: dict[str, dict[str, Any]] = {
    "drift": {"series": SLOWING},
    "never-warm": {"series": SLOWING[::-1]},
    "no-growth": {"depths": FLAT},
    "slower-along-a-run": {"depths": STEEP},
    "asynchronous": {"aftermath": LATE},
    "own-threads": {"effort": Effort(0.12, 0.12, (0.03, 0.03, 0.03, 0.03))},
    "leak": {"tallies": growing(1000, "objects")},
    "no-feedback": {"single": (STATE, STATE, STATE, STATE)},
    "prints": {"conduct": Conduct(printed=100)},
    "width-ignored": {"reads": ("seed",)},
}


def test_a_sound_workload_has_no_finding() -> None:
    assert judge(EVIDENCE) == ()


@pytest.mark.parametrize("name", NOISY)
def test_what_every_process_shows_is_found(name: str) -> None:
    assert list(named(seen(**NOISY[name]))) == [name]


@pytest.mark.parametrize("name", NOISY)
def test_what_one_process_of_two_shows_is_not(name: str) -> None:
    assert named(once(**NOISY[name])) == {}


@pytest.mark.parametrize("name", NOISY)
def test_every_finding_has_a_sentence_a_remedy_and_numbers(name: str) -> None:
    (finding,) = judge(seen(**NOISY[name]))
    assert finding.what.endswith((".", "them.", "nothing."))
    assert finding.remedy and not finding.remedy.endswith(".")
    assert finding.numbers


def test_a_leap_in_a_series_is_no_drift() -> None:
    leap = (1e-3,) * (STRETCHES // 2) + (3e-3,) * (STRETCHES // 2)
    assert one_way(leap) == pytest.approx(36 / 66)
    assert named(seen(series=leap)) == {}
    assert named(seen(series=leap[::-1])) == {}


def test_steps_that_slow_down_before_they_are_looked_at_count_too() -> None:
    slow = tuple(1e-2 * 1.01**index for index in range(STRETCHES))
    assert list(named(seen(series=slow, early_seconds=1e-4))) == ["drift"]


def test_a_warm_up_that_ends_is_neither() -> None:
    assert named(seen(early_seconds=1.0)) == {}
    wavering = tuple(1e-3 * (1.2 if index % 2 else 1.0) for index in range(STRETCHES))
    assert named(seen(series=wavering, early_seconds=1.0)) == {}


def test_a_warm_up_that_goes_on_slowly_is_found() -> None:
    faster = tuple(1e-3 * 0.98**index for index in range(STRETCHES))
    assert named(seen(series=faster, early_seconds=1e-3)) == {}
    assert list(named(seen(series=faster, early_seconds=3e-3))) == ["never-warm"]
    hardly = tuple(1e-3 * 0.995**index for index in range(STRETCHES))
    assert named(seen(series=hardly, early_seconds=3e-3)) == {}


def test_a_state_that_cannot_be_seen_whole_says_nothing() -> None:
    assert named(seen(single=(State({"kernel": "a"}, whole=False),) * 4)) == {}
    assert named(seen(single=(State({"n": "a"}), State({"n": "b"})))) == {}


def test_a_start_up_is_a_note_and_hides_no_growth() -> None:
    depths = (DepthTime(8, 1.01e-2), DepthTime(64, 1.08e-2), DepthTime(512, 1.6e-2), DepthTime(4096, 6e-2))
    assert named(seen(depths=depths)) == {"start-up": "note"}


def test_where_deeper_runs_are_refused_no_growth_is_only_a_warning() -> None:
    assert named(seen(depths=FLAT[:2], refused="IndexError: 512")) == {"no-growth": "warning"}


def test_what_leaks_is_named() -> None:
    (objects,) = judge(seen(tallies=growing(1000, "objects")))
    assert "keeps 100 Python objects" in objects.what
    (memory,) = judge(seen(tallies=growing(1 << 20, "memory")))
    assert "keeps 102 KiB of memory" in memory.what
    (files,) = judge(seen(tallies=growing(10, "files")))
    assert "keeps 1 open files" in files.what
    first_only = (Tally(30 << 20, 90_000, 6),) + (Tally(60 << 20, 99_000, 6),) * STRETCHES
    assert named(seen(tallies=first_only)) == {}


def test_a_state_that_goes_on_is_found_in_an_object_and_not_in_a_function() -> None:
    again = (State({"lanes": "a"}), State({"lanes": "b"}), State({"lanes": "c"}))
    (finding,) = judge(seen(again=again))
    assert finding.name == "not-reset" and "lanes differs" in finding.what
    assert named(seen(again=again, step_function=True)) == {}


def test_a_state_that_differs_between_processes_is_found_where_steps_changed_it() -> None:
    other = (State({"lanes": "a"}), State({"lanes": "c"}), State({"lanes": "c"}))
    (finding,) = judge(once(again=other))
    assert finding.name == "nondeterministic" and "never looks" not in finding.what
    calibrated = tuple(State({**state.parts, "rate": "x"}) for state in OBSERVATION.again)
    differently = tuple(State({**state.parts, "rate": "y"}) for state in OBSERVATION.again)
    evidence = replace(
        EVIDENCE,
        observations=(replace(OBSERVATION, again=calibrated), replace(OBSERVATION, again=differently)),
    )
    assert judge(evidence) == ()


@pytest.mark.parametrize(
    ("conduct", "name", "severity"),
    [
        (Conduct(cpus=(3,)), "affinity", "error"),
        (Conduct(folder="/tmp"), "folder", "error"),
        (Conduct(events={"subprocess": 3}), "starts-processes", "warning"),
    ],
)
def test_what_it_does_to_its_process_is_found(conduct: Conduct, name: str, severity: str) -> None:
    assert named(seen(conduct=conduct)) == {name: severity}


def test_threads_are_looked_at_where_the_system_tells_of_them_and_they_work() -> None:
    assert named(seen(effort=Effort(0.12, 0.12, ()))) == {}
    assert named(seen(effort=Effort(0.12, 0.01, (0.003, 0.003)))) == {}
    ended = Effort(0.12, 0.12, (0.06, 0.0))
    assert named(seen(effort=ended)) == {"own-threads": "warning"}
    assert named(replace(seen(effort=ended), setting=replace(EVIDENCE.setting, threads=2))) == {
        "own-threads": "warning"
    }


def test_a_width_that_makes_no_difference_is_a_note() -> None:
    flat = (WidthTime(1, 1e-3), WidthTime(256, 1.01e-3))
    assert named(replace(EVIDENCE, widths=flat)) == {"width-flat": "note"}
    alone = replace(EVIDENCE, description=replace(EVIDENCE.description, widths=(1,)))
    assert named(replace(alone, observations=seen(reads=()).observations)) == {}


@pytest.mark.parametrize(
    ("work", "name", "severity"),
    [
        (replace(WORK, flops=Affine(fixed=4e6)), "impossible-flops", "error"),
        (replace(WORK, serial_ops=2e5), "impossible-chain", "error"),
        (replace(WORK, bytes=Affine(fixed=4e6)), "impossible-bytes", "error"),
        (replace(WORK, bytes=Affine(fixed=3e6)), "unlikely-footprint", "warning"),
        (replace(WORK, footprint=Affine(fixed=1e9)), "impossible-footprint", "error"),
        (None, "undeclared", "note"),
    ],
)
def test_declared_work_is_held_against_what_the_machine_can_do(work: Any, name: str, severity: str) -> None:
    peaks = replace(EVIDENCE.peaks, far=2e10 if name == "unlikely-footprint" else 5e10)
    assert named(replace(EVIDENCE, work=work, peaks=peaks)) == {name: severity}
    if name.startswith("impossible") and "footprint" not in name:
        assert named(replace(EVIDENCE, work=work, peaks=Peaks())) == {}


def test_memory_that_comes_with_width_undeclared_is_found() -> None:
    more = replace(OBSERVATION, taken=512 << 20)
    assert named(replace(EVIDENCE, spread=more)) == {"undeclared-memory": "warning"}
    declared = replace(WORK, footprint=Affine(per_lane=2 << 20))
    small = replace(EVIDENCE, spread=more, spread_work=declared)
    assert named(small) == {}


def test_threads_that_are_given_and_not_used_are_a_note() -> None:
    slow = replace(OBSERVATION, series=(64e-3,) * STRETCHES)
    assert named(replace(EVIDENCE, spread=slow)) == {"threads-unused": "note"}
    both = replace(slow, effort=Effort(0.12, 0.2, (0.1, 0.1)))
    assert named(replace(EVIDENCE, spread=both)) == {}
    ended = replace(slow, effort=Effort(0.12, 0.2, (0.1, 0.0)))
    assert named(replace(EVIDENCE, spread=ended)) == {}


@pytest.mark.parametrize(
    ("wide", "severity"),
    [
        (WideForm(DepthTime(64, 1e-3), DepthTime(8, 5e-4), DepthTime(64, 5e-3)), "warning"),
        (WideForm(DepthTime(64, 1e-3), DepthTime(8, 5e-4), DepthTime(64, 5e-4)), "warning"),
        (WideForm(DepthTime(64, 1e-3), DepthTime(8, 5e-8), DepthTime(64, 4e-7)), "error"),
    ],
)
def test_a_wide_form_that_does_other_work_is_found(wide: WideForm, severity: str) -> None:
    assert named(replace(EVIDENCE, wide=wide)) == {"wide-other-work": severity}


def test_a_wide_form_that_does_the_same_work_is_none() -> None:
    wide = WideForm(DepthTime(64, 1e-3), DepthTime(8, 2e-5), DepthTime(64, 1e-4))
    assert judge(replace(EVIDENCE, wide=wide)) == ()
    single = WideForm(DepthTime(1, 1e-3), DepthTime(1, 1e-3), DepthTime(1, 1e-3))
    assert judge(replace(EVIDENCE, wide=single)) == ()


def test_a_workload_that_does_not_get_through_is_an_error() -> None:
    nothing = replace(EVIDENCE, observations=(), widths=(), spread=None)
    assert named(replace(nothing, failure=Failure("ValueError: no"))) == {"fails": "error"}
    assert named(replace(nothing, failure=Failure("no answer", hung=True))) == {"hangs": "error"}
    assert named(replace(EVIDENCE, wrong="AssertionError: 7")) == {"wrong-answer": "error"}


def test_the_worst_comes_first() -> None:
    evidence = replace(seen(depths=FLAT, reads=()), work=None)
    assert list(named(evidence).values()) == ["error", "warning", "note"]
    later = replace(seen(conduct=Conduct(printed=9)), work=replace(WORK, flops=Affine(fixed=4e6)))
    assert list(named(later).values()) == ["error", "warning"]


def test_peaks_are_those_of_the_threads_and_of_the_element_type() -> None:
    limits = Limits(
        chains={"add": 3e-10, "fma": 1e-9},
        fma={"baseline": 1e10, "avx2": 4e10},
        stream=(StreamRung(1 << 15, 1, 1e11), StreamRung(1 << 25, 1, 1e10), StreamRung(1 << 15, 2, 2e11)),
    )
    one = peaks_of(limits, Setting(), 1 << 25)
    assert (one.flops, one.bandwidth, one.far, one.operation) == (4e10, 1e11, pytest.approx(1e10), 3e-10)
    two = peaks_of(limits, Setting(threads=2, cpus=(0, 1)), 1 << 15)
    assert (two.flops, two.bandwidth, two.far) == (8e10, 2e11, 2e11)
    assert peaks_of(limits, Setting(dtype="bf16"), 1 << 15).flops is None
    assert peaks_of(Limits(), Setting(), 1) == Peaks()
