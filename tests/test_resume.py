# SPDX-License-Identifier: Apache-2.0
"""Runs that are interrupted between two visits, and go on where they stopped."""

import signal
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import pytest

from serialprof.errors import InterruptedRunError, StoreError, UsageError, WorkloadError
from serialprof.limits import Limits
from serialprof.measure.engine import Progress
from serialprof.planning import Request
from serialprof.preparation import Prepared, prepare
from serialprof.session import measure, resume
from serialprof.store import Store, StoredRun, read_run

SOURCE = """
import serialprof

@serialprof.workload(widths=(1, 2, 3), default_depth=4)
def spin(setting):
    return lambda: sum(range(200 * setting.width))
"""


def visits_then_ctrl_c(visits: int) -> Callable[[Progress], None]:
    """Lets so many visits pass, then interrupts."""
    left = iter(range(visits))

    def report(progress: Progress) -> None:
        if progress.stage == "sampling" and next(left, None) is None:
            raise KeyboardInterrupt

    return report


def in_drawn_order(run: StoredRun) -> bool:
    """Whether the visits are the drawn order from its start on without a gap, and only disturbed ones made again."""
    made = [
        (visit.block, visit.position, visit.point, visit.turn)
        for visit, later in zip_longest(run.visits, run.visits[1:])
        if visit.sound or later is None or (later.block, later.position) != (visit.block, visit.position)
    ]
    drawn = [
        (block, position, stop.point, stop.turn)
        for block in sorted(run.draws)
        for position, stop in enumerate(run.draws[block])
    ]
    return made == drawn[: len(made)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    source = tmp_path_factory.mktemp("source") / "toys.py"
    source.write_text(SOURCE)
    return prepare(Request((f"{source}:spin",), threads=(1,), budget=3, precision=1e-6, quick=True))


def interrupt(prepared: Prepared, path: Path, visits: int = 5) -> StoredRun:
    """A run of that many visits."""
    with pytest.raises(InterruptedRunError) as caught:
        measure(prepared, path, visits_then_ctrl_c(visits), limits=Limits(clock=1.0))
    assert str(caught.value) == (
        f"interrupted; what was measured is kept in {path}; go on with: serialprof run --resume {path}"
    )
    return read_run(path)


@pytest.fixture(autouse=True)
def same_machine(monkeypatch: pytest.MonkeyPatch, prepared: Prepared) -> None:
    """Leaves out the probe of CPU pairs."""
    monkeypatch.setattr("serialprof.preparation.look_at_machine", lambda hidden=None: prepared.machine)


def test_a_run_goes_on_exactly_where_it_stopped(tmp_path: Path, prepared: Prepared) -> None:
    path = tmp_path / "a.serialprof"
    before = interrupt(prepared, path, 5)  # block 0 has six or more: its draw is taken up in the middle
    assert before.status == "interrupted" and len(before.visits) == 5 < len(before.draws[0])
    after = resume(path, command=("again",)).stored
    assert after.status == "complete"
    assert after.visits[:5] == before.visits and len(after.visits) > 5
    assert after.draws[0] == before.draws[0] and len(after.draws) >= 5
    assert after.calibrations == before.calibrations and len(after.calibrations) == 3
    assert in_drawn_order(after)
    assert {visit.process for visit in before.visits} == {0} and {visit.process for visit in after.visits[5:]} == {1}
    (entry,) = after.resumptions
    assert (entry.command, entry.machine, entry.code) == (("again",), before.machine, before.code)
    taken_last = {"footprints": (), "resumptions": ()}
    unchanged = replace(after, status=before.status, visits=before.visits, draws=before.draws, **taken_last)
    assert unchanged == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.serialprof"]


def test_what_was_spent_stays_spent(tmp_path: Path, prepared: Prepared) -> None:
    path = tmp_path / "a.serialprof"
    before = interrupt(prepared, path)
    told: list[float] = []

    def report(progress: Progress) -> None:
        assert progress.stage == "sampling", "nothing is calibrated twice"
        told.append(progress.done)
        raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError):
        resume(path, report)
    assert told[0] >= before.visits[-1].spent > 0


def test_it_can_be_interrupted_again_and_again(tmp_path: Path, prepared: Prepared) -> None:
    path = tmp_path / "a.serialprof"
    interrupt(prepared, path, 2)
    for _ in range(2):
        with pytest.raises(InterruptedRunError, match="--resume"):
            resume(path, visits_then_ctrl_c(1))
    run = read_run(path)
    assert (len(run.visits), run.status, len(run.resumptions)) == (4, "interrupted", 2)
    assert [visit.process for visit in run.visits] == [0, 0, 1, 2]
    assert in_drawn_order(run)


def test_an_interrupt_before_the_first_visit_of_a_resumption_loses_nothing(tmp_path: Path, prepared: Prepared) -> None:
    path = tmp_path / "a.serialprof"
    before = interrupt(prepared, path)
    with pytest.raises(InterruptedRunError, match="what was measured is kept"):
        resume(path, visits_then_ctrl_c(0))
    assert read_run(path).visits == before.visits


def test_an_interrupt_before_anything_was_measured_leaves_no_file(tmp_path: Path, prepared: Prepared) -> None:
    with pytest.raises(InterruptedRunError, match="interrupted before anything was measured; no file was left"):
        measure(prepared, tmp_path / "a.serialprof", visits_then_ctrl_c(0), limits=Limits(clock=1.0))
    assert list(tmp_path.iterdir()) == []


def test_a_termination_ends_a_run_as_ctrl_c_does(tmp_path: Path, prepared: Prepared) -> None:
    former = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    left = iter(range(3))

    def report(progress: Progress) -> None:
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        if progress.stage == "sampling" and next(left, None) is None:
            signal.raise_signal(signal.SIGTERM)

    try:
        with pytest.raises(InterruptedRunError, match="--resume"):
            measure(prepared, tmp_path / "a.serialprof", report, limits=Limits(clock=1.0))
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, former)
    assert len(read_run(tmp_path / "a.serialprof").visits) == 3


def test_a_file_that_is_being_written_is_refused(tmp_path: Path, prepared: Prepared) -> None:
    path = tmp_path / "a.serialprof"
    before = interrupt(prepared, path)
    store, _ = Store.reopen(path)
    with store, pytest.raises(StoreError, match="another run is writing to"):
        resume(path)
    assert read_run(path) == before
    store, run = Store.reopen(path)  # the lock ends with its holder
    store.close()
    assert run == before


def test_changed_code_is_refused_and_forced(tmp_path: Path) -> None:
    source, path = tmp_path / "toys.py", tmp_path / "a.serialprof"
    source.write_text(SOURCE)
    request = Request((f"{source}:spin",), threads=(1,), budget=2, precision=1e-6, quick=True)
    before = interrupt(prepare(request), path)
    source.write_text(SOURCE.replace("200", "201"))
    with pytest.raises(UsageError, match=r"other conditions: the code .* of a workload has changed; .*--force"):
        resume(path)
    assert read_run(path) == before
    with pytest.raises(InterruptedRunError):
        resume(path, visits_then_ctrl_c(1), force=True)
    run = resume(path).stored  # by what is now the last code: nothing to force any more
    assert run.status == "complete" and run.code == before.code
    first, second = run.resumptions
    assert first.code == second.code == prepare(request).code != before.code
    assert in_drawn_order(run)


def test_another_machine_is_refused_and_forced(
    tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.serialprof"
    before = interrupt(prepared, path)
    other = replace(prepared.machine, processor="Other CPU")
    monkeypatch.setattr("serialprof.preparation.look_at_machine", lambda hidden=None: other)
    with pytest.raises(UsageError, match=r"processor was .*, is Other CPU"):
        resume(path)
    with pytest.raises(InterruptedRunError):
        resume(path, visits_then_ctrl_c(1), force=True)
    run = read_run(path)
    assert run.machine == before.machine
    assert [entry.machine for entry in run.resumptions] == [other]


def test_a_workload_that_is_gone_is_a_sentence_and_the_run_is_kept(tmp_path: Path) -> None:
    source, path = tmp_path / "toys.py", tmp_path / "a.serialprof"
    source.write_text(SOURCE)
    request = Request((f"{source}:spin",), widths=(1,), threads=(1,), budget=2, precision=1e-6, quick=True)
    before = interrupt(prepare(request), path, 2)
    source.unlink()
    with pytest.raises(WorkloadError, match="there is no file"):
        resume(path)
    assert read_run(path) == before
