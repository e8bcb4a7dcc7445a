# SPDX-License-Identifier: Apache-2.0
"""What hardware counters say of the clock, on runs whose counts are made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from serialprof.estimate import Estimate
from serialprof.machine.stalls import A3, GENERIC
from serialprof.model import FamilyAnalysis, analyse, counting
from serialprof.model.answers import Counting
from serialprof.records import StoredRun, Visit
from serialprof.samples import Sample
from serialprof.view import Run
from serialprof_reports import wording
from serialprof_reports.tables import json as as_json
from serialprof_reports.terminal import terminal
from tests import made
from tests.model import builder

STEP = 1e-6
FILE = Path("a.serialprof")
#: Share of stalled cycles, block by block. Mean 0.3, squares of deviations add up to 0.025: variance 0.00625, standard
#: error 0.0353553 of five, times t(4) = 2.776445 makes 0.0981622.
STALLS = (0.2, 0.3, 0.25, 0.35, 0.4)
HALF = 0.0981622


def counted(
    run: StoredRun, stalls: Callable[[Visit], float | None], event: str = A3.name, busy: float = 1.0
) -> StoredRun:
    """The run with counts beside every sample: 3 cycles and 6 instructions a nanosecond, a share of them stalled."""

    def count(sample: Sample, share: float | None) -> Sample:
        cycles = 3e9 * sample.seconds
        waits = None if share is None else share * cycles
        cpu = busy * sample.seconds
        return replace(sample, cpu_seconds=cpu, cycles=cycles, instructions=2 * cycles, stalls=waits)

    def visit(item: Visit) -> Visit:
        samples = tuple(count(sample, stalls(item)) for sample in item.samples)
        return replace(item, readings=replace(item.readings, samples=samples))

    machine = replace(run.machine, stall_event=event)
    return replace(run, machine=machine, visits=tuple(map(visit, run.visits)))


def straight(blocks: int = 5, threads: tuple[int, ...] = (1,), mode: str = "native") -> StoredRun:
    """A chain of 1 us and lanes of 10 ns, all of it within L2: every part of a step scales with the clock."""
    return builder.run(lambda w, p, f: STEP + 1e-8 * w / p, threads=threads, blocks=blocks, mode=mode)


def family(run: StoredRun) -> FamilyAnalysis:
    return analyse(run).families[0]


def at(run: StoredRun, width: int = 1) -> Counting:
    return next(item for item in family(run).counted if item.width == width)


def test_the_share_that_scales_is_what_does_not_stall_with_blocks_as_units() -> None:
    item = at(counted(straight(), lambda visit: STALLS[visit.block]))
    assert (item.stalls.value, item.scaling.value) == pytest.approx((0.3, 0.7))
    assert (item.stalls.low, item.stalls.high) == pytest.approx((0.3 - HALF, 0.3 + HALF), abs=1e-6)
    assert (item.scaling.low, item.scaling.high) == pytest.approx((0.7 - HALF, 0.7 + HALF), abs=1e-6)
    assert item.scaling.level == 0.95
    assert "by hardware counters" in item.scaling.reason


def test_the_difference_is_end_against_end() -> None:
    found = counting._difference(Estimate(0.7, 0.6, 0.8), Estimate.bracket(0.5, 0.75, "a model"))
    assert (found.value, found.low, found.high) == (None, pytest.approx(-0.15), pytest.approx(0.3))
    assert found.reason == "a model"


def test_cycles_and_instructions_are_per_step() -> None:
    item = at(counted(straight(), lambda visit: 0.1))
    assert item.cycles.value == pytest.approx(3e9 * (STEP + 1e-8))
    assert item.instructions.value == pytest.approx(6e9 * (STEP + 1e-8))


def test_repetitions_within_a_block_are_no_units() -> None:
    run = counted(straight(blocks=4), lambda visit: STALLS[visit.block])
    item = at(replace(run, visits=run.visits * 3))
    assert item.scaling.value == pytest.approx(1 - sum(STALLS[:4]) / 4)
    assert (item.scaling.low, item.scaling.high) == (None, None)
    assert "5 independent units" in item.scaling.reason


def test_a_quarter_of_the_samples_may_be_anything() -> None:
    run = counted(straight(), lambda visit: 0.25)
    odd = tuple(
        replace(item, readings=replace(item.readings, samples=(*item.samples, replace(item.samples[0], stalls=0.0))))
        for item in run.visits
    )
    assert at(replace(run, visits=odd)).scaling.value == pytest.approx(0.75)


def test_time_off_the_cpu_does_not_scale() -> None:
    item = at(counted(straight(mode="eager"), lambda visit: 0.5, busy=0.8))
    assert item.scaling.value == pytest.approx(0.5 * 0.8)
    assert item.stalls.value == pytest.approx(0.5)


def test_disturbed_samples_do_not_count() -> None:
    run = counted(straight(), lambda visit: 0.1)
    spoilt = tuple(
        replace(
            item,
            readings=replace(
                item.readings,
                samples=(*item.samples, *(replace(each, stalls=each.cycles, disturbed="x") for each in item.samples)),
            ),
        )
        for item in run.visits
    )
    assert at(replace(run, visits=spoilt)).scaling.value == pytest.approx(0.9)


def test_an_event_that_counts_other_waits_gives_a_lower_bound_alone() -> None:
    item = at(counted(straight(), lambda visit: STALLS[visit.block], event=GENERIC.name))
    assert (item.scaling.value, item.scaling.high) == (None, 1.0)
    assert item.scaling.low == pytest.approx(0.7 - HALF, abs=1e-6)
    assert "a lower bound" in item.scaling.reason
    assert item.stalls.value == pytest.approx(0.3)


def test_counters_that_agree_confirm_the_fit() -> None:
    found = family(counted(straight(), lambda visit: 0.02))
    assert found.counted[0].fitted.low is not None and found.counted[0].fitted.low > 0.9
    assert found.contradictions == ()
    assert found.verdict.grade == "B"
    assert "hardware counters confirm the model at 9 widths" in found.verdict.grade_reason


def test_counters_that_do_not_agree_are_a_contradiction_that_is_not_certain() -> None:
    run = counted(straight(), lambda visit: 0.3 if visit.point < 2 else 0.6 if visit.point == 2 else 0.0)
    found = family(run)
    (item,) = found.contradictions
    assert (item.what, item.width, item.threads, item.certain) == ("counters", 4, 1, False)
    assert "At W = 4 on 1 thread the hardware counters say that 0.40 to 0.40 of a step scale" in item.sentence
    assert "likewise at 2 other widths" in item.sentence
    assert found.verdict.grade == "C"
    assert "hardware counters contradict the model by 0." in found.verdict.grade_reason
    assert "contradicts what was measured" not in found.verdict.sentence


@pytest.mark.parametrize(("stalls", "contradicts"), [(0.09, False), (0.12, True)])
def test_a_tenth_of_a_step_is_no_contradiction(stalls: float, contradicts: bool) -> None:
    found = family(counted(straight(), lambda visit: stalls))
    assert bool(found.contradictions) == contradicts


def test_a_lower_bound_contradicts_only_what_lies_below_it() -> None:
    run = counted(straight(), lambda visit: 0.6, event=GENERIC.name)
    found = family(run)
    assert found.contradictions == ()
    assert (found.verdict.grade, "a lower bound of what scales" in found.verdict.grade_reason) == ("C", True)


def test_only_the_serial_form_on_one_thread_is_told() -> None:
    run = builder.run(lambda w, p, f: STEP, (1, 2, 4, 8), (1, 2), forms=("serial", "wide"))
    assert [item.width for item in family(counted(run, lambda visit: 0.1)).counted] == [1, 2, 4, 8]


def test_without_a_fit_counters_still_speak() -> None:
    run = builder.run(lambda w, p, f: STEP, widths=(1, 2))
    found = family(counted(run, lambda visit: 0.1))
    assert found.fit is None
    assert found.counted[0].scaling.value == pytest.approx(0.9)
    assert found.counted[0].fitted.reason == "there is no fit"
    assert (found.counted[0].difference.value, found.contradictions) == (None, ())
    assert "nothing to compare them with" in found.verdict.grade_reason


def test_cycles_without_stalls_are_told_as_such() -> None:
    found = family(counted(straight(), lambda visit: None, event=""))
    assert found.counted[0].cycles.value == pytest.approx(3e9 * (STEP + 1e-8))
    assert found.counted[0].scaling.value is None
    assert "hardware counters were read, but none of memory stalls" in found.verdict.grade_reason


def test_without_counters_nothing_is_said() -> None:
    found = family(straight())
    assert (found.counted, wording.counted(found)) == ((), "")
    assert "no hardware counters were read" in found.verdict.grade_reason


def test_the_terminal_shows_both_and_their_contradiction() -> None:
    run = counted(straight(), lambda visit: STALLS[visit.block])
    text = " ".join(terminal(Run(run, FILE), width=200).split())
    assert "counters of a step on 1 thread scale with the clock: 70 % [60 - 80] (fit " in text
    assert "contradicts At W = " in text
    bound = counted(straight(), lambda visit: STALLS[visit.block], event=GENERIC.name)
    assert "at least 60 % (fit " in " ".join(terminal(Run(bound, FILE), width=200).split())


def test_the_json_holds_both() -> None:
    run = counted(straight(), lambda visit: STALLS[visit.block])
    document = json.loads(as_json(Run(run, FILE)))
    (first, *_) = document["families"][0]["counted"]
    assert first["width"] == 1
    assert first["scaling"]["value"] == pytest.approx(0.7)
    assert set(first) == {"width", "cycles", "instructions", "stalls", "scaling", "fitted", "difference"}
    assert document["machine"]["stall_event"] == A3.name


def test_a_machine_that_is_made_up_has_no_event() -> None:
    assert made.machine().stall_event == ""
