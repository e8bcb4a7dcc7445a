# SPDX-License-Identifier: Apache-2.0
"""Runs that set clocks, from request to run file, on made-up kernel files and with real workers."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from serialprof.clock.control import ClockControl
from serialprof.clock.journal import Journal, boot_id, journal_path, write_journal
from serialprof.clock.policies import policies
from serialprof.clock.recovery import pending
from serialprof.clocksetup import ClockFiles
from serialprof.errors import CannotMeasureError, InterruptedRunError, SerialprofError, UsageError
from serialprof.limits import Limits
from serialprof.machine.reading import read_machine
from serialprof.measure.engine import Progress
from serialprof.measure.standins import CLOCKS_SET
from serialprof.planning import Request
from serialprof.policyclock import Clock
from serialprof.preparation import Prepared, prepare
from serialprof.session import measure, resume
from serialprof.store import StoredRun, read_run
from tests.clock import trees

SOURCE = """
import serialprof

@serialprof.workload(widths=(1, 2), default_depth=4)
def spin(setting):
    return lambda: sum(range(200 * setting.width))
"""
MACHINE = read_machine()
CPU = MACHINE.cpus[0]
LIMITS = Limits(clock=1.0)


@pytest.fixture
def files(tmp_path: Path) -> ClockFiles:
    """acpi-cpufreq with a policy for every CPU of this machine."""
    root = tmp_path / "cpu"
    for cpu in MACHINE.cpus:
        trees.policy(root, cpu, scaling_available_frequencies=" ".join(map(str, trees.STATES)))
    return ClockFiles(trees.Kernel(root), tmp_path / "state")


@pytest.fixture
def workload(tmp_path: Path) -> str:
    (tmp_path / "toys.py").write_text(SOURCE)
    return f"{tmp_path / 'toys.py'}:spin"


@pytest.fixture
def same_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the probe of CPU pairs."""
    monkeypatch.setattr("serialprof.preparation.look_at_machine", lambda hidden=None: MACHINE)


def request(workload: str, clocks: str | None = "800MHz,1.6GHz", **knobs: object) -> Request:
    asked: dict[str, object] = {"threads": (1,), "budget": 1.0, "precision": 1e-6, "quick": True}
    return Request((workload,), clocks=clocks, **(asked | knobs))  # type: ignore[arg-type]


def prepared(workload: str, files: ClockFiles, clocks: str | None = "800MHz,1.6GHz", **knobs: object) -> Prepared:
    return prepare(request(workload, clocks, **knobs), MACHINE, files=files, warn=unexpected)


def unexpected(text: str) -> None:
    raise AssertionError(text)


def killed(folder: Path, files: dict[str, str], root: Path) -> int:
    """A journal of a process that was killed."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    write_journal(folder, Journal(child.pid, boot_id(), str(root), files))
    return child.pid


def test_a_run_sets_its_clocks_keeps_them_and_gives_them_back(files: ClockFiles, workload: str, tmp_path: Path) -> None:
    before = trees.contents(files.tree.root)
    plan = prepared(workload, files, stand_ins=("delay",))
    assert plan.plan.clocks == (Clock(800_000_000), Clock(1_600_000_000))
    assert [point.setting.clock for point in plan.plan.points] == [8e8, 1.6e9, 8e8, 1.6e9]
    run = measure(plan, tmp_path / "a.serialprof", limits=LIMITS, warn=unexpected).stored
    assert run.status == "complete" and run.plan.clocks == plan.plan.clocks
    assert {visit.point for visit in run.visits} == {0, 1, 2, 3}
    for visit in run.visits:
        (policy,) = visit.pinned
        asked = run.point(visit.point).setting.clock
        assert (policy.policy, policy.requested, policy.read_back) == (f"policy{CPU}", asked, asked)
        assert visit.readings.core_clocks == (policy.measured,)
    assert any(visit.pinned[0].measured for visit in run.visits)
    assert {(gap.kind, gap.reason) for gap in run.stand_in_gaps} == {("delay", CLOCKS_SET)}
    assert trees.contents(files.tree.root) == before
    assert pending(files.folder) is None


def test_without_clocks_nothing_is_written_and_nothing_recorded(
    files: ClockFiles, workload: str, tmp_path: Path
) -> None:
    for number, clocks in enumerate((None, "off", " OFF ")):
        plan = prepared(workload, files, clocks)
        assert plan.clocks is None and plan.plan.clocks == ()
        run = measure(plan, tmp_path / f"{number}.serialprof", limits=LIMITS, warn=unexpected).stored
        assert {visit.pinned for visit in run.visits} == {()}
        assert {visit.readings.core_clocks for visit in run.visits} == {()}
    assert files.tree.log == []  # type: ignore[attr-defined]
    assert not files.folder.exists()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("clocks", "error", "words"),
    [
        ("2400", UsageError, "has no unit; is it 2400MHz or 2400kHz"),
        ("9GHz", CannotMeasureError, "9 GHz is outside the range of policy"),
        ("800MHz,off", UsageError, "asks for clocks and for none"),
        ("turbo", CannotMeasureError, "turbo was asked for"),
    ],
)
def test_what_cannot_be_set_is_refused_before_anything(
    files: ClockFiles, workload: str, clocks: str, error: type[SerialprofError], words: str
) -> None:
    with pytest.raises(error, match=words):
        prepared(workload, files, clocks)
    assert files.tree.log == []  # type: ignore[attr-defined]


def test_clocks_need_the_meter_and_turbo_needs_clocks(workload: str) -> None:
    with pytest.raises(UsageError, match="--no-meter does not go with clocks"):
        request(workload, "all", meter=False)
    assert not request(workload, "off", meter=False).sets_clocks
    for clocks in (None, "off"):
        with pytest.raises(UsageError, match="--turbo is given, but no clock"):
            request(workload, clocks, turbo=True)


def test_files_that_may_not_be_written_end_with_what_would_grant_it(
    files: ClockFiles, workload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.tree, "writable", lambda name: False)
    with pytest.raises(CannotMeasureError, match="may not be written here; ") as caught:
        prepared(workload, files)
    assert caught.value.exit_code == 3


def test_more_clocks_than_the_plan_can_visit(files: ClockFiles, workload: str) -> None:
    with pytest.raises(UsageError, match=r"5 clocks make 1000 points, more than 1\S* s can visit: 5 visits of each"):
        prepared(workload, files, "all", widths=tuple(range(1, 201)))
    assert len(prepared(workload, files, None, widths=tuple(range(1, 201))).plan.points) == 200


def test_a_frequency_with_turbo_and_without_is_set_once(workload: str, tmp_path: Path) -> None:
    root = tmp_path / "cpu"
    for cpu in MACHINE.cpus:  # nothing tells the base, so that the highest counts as it
        trees.policy(root, cpu, scaling_available_frequencies=None)
    trees.put(root, "cpufreq/boost", 1)
    plan = prepared(workload, ClockFiles(trees.Kernel(root), tmp_path / "state"), "3GHz,turbo")
    assert plan.plan.clocks == (Clock(3_000_000_000, turbo=True),)
    assert len(plan.plan.points) == 2


def test_cpus_that_share_a_policy_with_the_run_are_named(workload: str, tmp_path: Path) -> None:
    root = tmp_path / "cpu"
    trees.policy(root, CPU, affected_cpus=f"{CPU} 998 999", scaling_available_frequencies="800000 1600000")
    told: list[str] = []
    prepare(request(workload), MACHINE, files=ClockFiles(trees.Kernel(root), tmp_path / "state"), warn=told.append)
    (sentence,) = told
    assert sentence.startswith("the clock of CPUs 998, 999 is set too")


def test_what_a_killed_run_left_is_given_back_first(files: ClockFiles, workload: str) -> None:
    folder, governor = files.folder, f"cpufreq/policy{CPU}/scaling_governor"
    assert folder is not None
    pid = killed(folder, {governor: "performance"}, files.tree.root)
    told: list[str] = []
    prepare(request(workload), MACHINE, files=files, warn=told.append, dry_run=True)
    assert told == ["clocks that another run has set are not given back yet; serialprof clock restore does it"]
    assert files.tree.log == []  # type: ignore[attr-defined]
    told.clear()
    prepare(request(workload), MACHINE, files=files, warn=told.append)
    assert told == [f"clocks that process {pid} had set are given back (1 file written)"]
    assert files.tree.read(governor) == "performance" and pending(folder) is None


def test_what_a_killed_run_left_and_cannot_be_given_back_ends_it(files: ClockFiles, workload: str) -> None:
    assert files.folder is not None
    killed(files.folder, {"cpufreq/policy777/scaling_governor": "performance"}, files.tree.root)
    with pytest.raises(SerialprofError, match=r"could not all be given back: .*policy777"):
        prepared(workload, files)
    assert pending(files.folder) is not None


@pytest.mark.parametrize("known", [True, False], ids=["same user", "another user"])
def test_the_second_of_two_runs_is_refused_and_leaves_no_file(
    files: ClockFiles, workload: str, tmp_path: Path, known: bool
) -> None:
    plan = prepared(workload, files)
    other = files.folder if known else tmp_path / "other"
    with ClockControl(policies(files.tree), files.tree, other):
        refusal = f"process {os.getpid()} is setting" if known else "another process is setting"
        with pytest.raises(CannotMeasureError, match=refusal):
            measure(plan, tmp_path / "a.serialprof", limits=LIMITS)
        if known:
            with pytest.raises(CannotMeasureError, match=refusal):
                prepared(workload, files)
    assert not list(tmp_path.glob("*.serialprof*"))


def test_what_cannot_be_given_back_is_told_file_by_file(files: ClockFiles, workload: str, tmp_path: Path) -> None:
    kernel = files.tree
    told: list[str] = []

    def report(progress: Progress) -> None:
        (kernel.root / f"cpufreq/policy{CPU}/scaling_governor").unlink(missing_ok=True)

    plan = prepared(workload, files, "1.6GHz", budget=0.2)
    run = measure(plan, tmp_path / "a.serialprof", report, limits=LIMITS, warn=told.append).stored
    assert {visit.pinned[0].note for visit in run.visits} == {f"policy{CPU} has no CPU online any more"}
    assert [f"policy{CPU}/scaling_governor could not be set back" in sentence for sentence in told] == [True]


def visits_then_ctrl_c(visits: int) -> Callable[[Progress], None]:
    left = iter(range(visits))

    def report(progress: Progress) -> None:
        if progress.stage == "sampling" and next(left, None) is None:
            signal.raise_signal(signal.SIGINT)

    return report


def interrupted(plan: Prepared, path: Path) -> StoredRun:
    with pytest.raises(InterruptedRunError):
        measure(plan, path, visits_then_ctrl_c(5), limits=LIMITS, warn=unexpected)
    return read_run(path)


@pytest.mark.usefixtures("same_machine")
def test_an_interrupted_run_gives_back_and_goes_on(files: ClockFiles, workload: str, tmp_path: Path) -> None:
    path, before = tmp_path / "a.serialprof", trees.contents(files.tree.root)
    first = interrupted(prepared(workload, files), path)
    assert len(first.visits) == 5 and trees.contents(files.tree.root) == before
    run = resume(path, files=files, warn=unexpected).stored
    assert run.status == "complete" and len(run.visits) > 5 and run.plan.clocks == first.plan.clocks
    for visit in run.visits:
        assert {each.read_back for each in visit.pinned} == {run.point(visit.point).setting.clock}
    assert trees.contents(files.tree.root) == before


@pytest.mark.usefixtures("same_machine")
def test_a_resumed_run_needs_permission_again(
    files: ClockFiles, workload: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.serialprof"
    before = interrupted(prepared(workload, files), path)
    monkeypatch.setattr(files.tree, "writable", lambda name: False)
    with pytest.raises(CannotMeasureError, match="may not be written here"):
        resume(path, files=files)
    assert read_run(path) == before
    with pytest.raises(CannotMeasureError, match="no cpufreq"):
        resume(path, files=ClockFiles(trees.Kernel(tmp_path / "none"), tmp_path / "state"))
    assert read_run(path) == before


def test_the_journal_is_there_while_the_run_goes_on(files: ClockFiles, workload: str, tmp_path: Path) -> None:
    assert files.folder is not None
    seen: list[bool] = []
    path = journal_path(files.folder)
    measure(
        prepared(workload, files, budget=0.3),
        tmp_path / "a.serialprof",
        lambda progress: seen.append(path.exists()),
        limits=LIMITS,
        warn=unexpected,
    )
    assert seen and all(seen) and not path.exists()
