# SPDX-License-Identifier: Apache-2.0
"""What is said where no work is declared, on made runs."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from serialprof.model import analyse
from serialprof.model.steptimes import collect
from serialprof.model.undeclared import assumptions
from serialprof.records import Footprint, Readings, StoredRun, Visit
from serialprof.samples import Sample
from tests import made

MIB = 1 << 20
WIDTHS = (1, 4, 16, 64)
GROWING = (
    "its steps touch 1 MiB of memory at W = 1, interpreter included, and 64 MiB at W = 64: "
    "about 1 MiB more with every lane"
)


def visit(point: int, block: int, busy: float) -> Visit:
    """Two samples of a second, with so many seconds of CPU time, and a disturbed one that says otherwise."""
    sound = [Sample(1.0, busy, 0), Sample(1.1, 1.1 * busy, 0)]
    return Visit(point, block, 0, "ok", runs=2, readings=Readings((*sound, Sample(1.0, 9.0, 0, disturbed="stolen"))))


def run(touched: Sequence[int] = (), *, declared: bool = False, device: str = "cpu") -> StoredRun:
    """Four widths on one thread and on two, of which 1.5 are busy; the footprints are of the points on one."""
    cells = tuple(
        replace(
            point,
            work=point.work if declared else None,
            setting=replace(point.setting, device=device),
        )
        for point in made.points(WIDTHS, (1, 2))
    )
    visits = [visit(cell.id, block, 1.0 if cell.setting.threads == 1 else 1.5) for block in range(6) for cell in cells]
    footprints = tuple(Footprint(2 * number, size) for number, size in enumerate(touched))
    return replace(made.stored(cells, tuple(visits)), footprints=footprints)


def told(stored: StoredRun) -> tuple[str, ...]:
    (times,) = collect(stored)
    return assumptions(stored, times)


def test_what_is_assumed_and_how_many_threads_were_busy() -> None:
    (clause,) = told(run())
    assert clause == (
        "no work is declared, so a step is taken for one that can be cut into as many pieces as it has lanes; "
        "by CPU time it kept 1 of 1 and 1.5 of 2 threads busy"
    )


@pytest.mark.parametrize(
    ("touched", "clause"),
    [
        ((MIB,), "its steps touch at most 1 MiB of memory at any of these widths, interpreter included"),
        (
            (2 * MIB, 9 * MIB, MIB, MIB),
            "its steps touch at most 9 MiB of memory at any of these widths, interpreter included",
        ),
        ((MIB, 0, 0, 64 * MIB), GROWING),
    ],
)
def test_what_steps_touch_at_both_ends_of_the_sweep(touched: Sequence[int], clause: str) -> None:
    assert told(run(touched))[1] == clause


def test_nothing_is_assumed_of_declared_work_nor_of_a_gpu_and_nothing_measured_says_nothing() -> None:
    assert told(run((MIB,), declared=True)) == ()
    assert told(run((MIB,), device="cuda:0")) == ()
    assert told(replace(run(), visits=())) == ()


def test_the_verdict_says_it() -> None:
    sentence = analyse(run((MIB, MIB, MIB, 64 * MIB))).families[0].verdict.sentence
    assert "No work is declared, so a step is taken for one" in sentence
    assert "about 1 MiB more with every lane." in sentence
    assert "declared" not in analyse(run(declared=True)).families[0].verdict.sentence
