# SPDX-License-Identifier: Apache-2.0
"""Locking GPU clocks and freeing them, on made-up GPUs, whatever ends the run."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from serialprof.clock import gpurestoring
from serialprof.clock.gpucontrol import GpuControl, GpuSetup, check_gpus
from serialprof.clock.gpujournal import GpuJournal, gpu_journal_path, read_gpu_journal, write_gpu_journal
from serialprof.clock.gpurestoring import gpus_pending, recover_gpus
from serialprof.clock.journal import JournalError, boot_id
from serialprof.errors import CannotMeasureError, ExitCode, UsageError
from tests.clock.gpus import Gpus

RUN = Path(__file__).parent / "gpurun.py"
PATIENCE = 60.0  # seconds until a test gives up; none of them takes three
HERTZ = 1_410_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def setup(gpus: Gpus, folder: Path) -> GpuSetup:
    return check_gpus("1410MHz", gpus.library, folder)


def test_what_is_asked_for_is_checked_and_nothing_done(gpus: Gpus, folder: Path) -> None:
    assert check_gpus("1.41 GHz", gpus.library, folder) == GpuSetup(HERTZ, (0, 1), gpus.library, folder)
    assert gpus.calls == []
    assert not folder.exists()


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("1410", UsageError, "'1410' in --gpu-clock '1410' has no unit; is it 1410MHz"),
        ("fast", UsageError, "'fast' in --gpu-clock 'fast' is no frequency"),
        ("1GHz,2GHz", UsageError, "asks for several clocks"),
        ("2GHz", CannotMeasureError, "2 GHz is outside the range of GPU 0, 210 MHz to 1.98 GHz"),
        ("200MHz", CannotMeasureError, "200 MHz is outside the range of GPU 0"),
    ],
)
def test_what_makes_no_sense_is_refused(gpus: Gpus, text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        check_gpus(text, gpus.library)
    assert said in str(caught.value)
    assert gpus.calls == []


def test_without_nvml_or_driver_it_is_refused_with_3(gpus: Gpus, tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match="GPU clocks cannot be locked: there is no NVIDIA driver") as caught:
        check_gpus("1410MHz", str(tmp_path / "none.so"))
    assert caught.value.exit_code == ExitCode.CANNOT_MEASURE
    gpus.put("no-driver")
    with pytest.raises(CannotMeasureError, match="cannot be locked: Driver Not Loaded"):
        check_gpus("1410MHz", gpus.library)


def test_clocks_are_locked_within_the_block_and_free_after_it(gpus: Gpus, setup: GpuSetup, folder: Path) -> None:
    gpus.put("watch", str(gpu_journal_path(folder)))
    with GpuControl(setup) as control:
        assert gpus.locked == {"gpu0": 1410, "gpu1": 1410}
        assert [(each.policy, each.requested, each.read_back) for each in control.clocks] == [
            ("gpu0", HERTZ, HERTZ),
            ("gpu1", HERTZ, HERTZ),
        ]
        assert read_gpu_journal(gpu_journal_path(folder)) == GpuJournal(os.getpid(), boot_id(), (0, 1))
    assert gpus.locked == {}
    assert gpus.calls == [f"{call} kept" for call in ("lock 1410-1410 0", "lock 1410-1410 1", "reset 0", "reset 1")]
    assert control.restoration.failed == ()
    assert gpus_pending(folder) is None
    assert control.guardian_pid is None


def test_an_exception_frees_them(gpus: Gpus, setup: GpuSetup) -> None:
    with pytest.raises(ZeroDivisionError), GpuControl(setup):
        assert gpus.locked
        _ = 1 / 0
    assert gpus.locked == {}


def test_without_permission_it_ends_with_3_and_touches_nothing(gpus: Gpus, setup: GpuSetup, folder: Path) -> None:
    gpus.put("deny-lock", "all")
    with (
        pytest.raises(CannotMeasureError, match="GPU 0 cannot be locked: Insufficient Permissions; run it with sudo"),
        GpuControl(setup),
    ):
        raise AssertionError
    assert gpus.calls == []
    assert gpus_pending(folder) is None


def test_when_the_second_refuses_the_first_is_freed(gpus: Gpus, setup: GpuSetup, folder: Path) -> None:
    gpus.put("deny-lock", "1")
    with pytest.raises(CannotMeasureError, match="GPU 1"), GpuControl(setup):
        raise AssertionError
    assert gpus.calls == ["lock 1410-1410 0", "reset 0"]
    assert gpus_pending(folder) is None


def test_what_could_not_be_freed_keeps_its_journal(
    gpus: Gpus, setup: GpuSetup, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpurestoring.os, "geteuid", lambda: 0)
    with GpuControl(setup) as control:
        gpus.put("deny-reset", "1")
    assert control.restoration.failed == ("The clock of GPU 1 could not be freed: Insufficient Permissions.",)
    if os.getuid() == 0:  # else the guardian, whose user may not free, takes it that nothing was locked
        assert gpus_pending(folder) is not None
        with pytest.raises(Exception, match="could not all be freed"), GpuControl(setup):
            raise AssertionError
        gpus.drop("deny-reset")
        recovery = recover_gpus(folder, gpus.library)
        assert recovery is not None and recovery.restoration.failed == ()
    assert gpus_pending(folder) is None


def test_a_second_run_is_refused(gpus: Gpus, setup: GpuSetup) -> None:
    with GpuControl(setup) as control:
        before = gpus.calls
        with pytest.raises(CannotMeasureError, match=f"process {os.getpid()} has locked the GPUs' clocks"):
            GpuControl(setup).__enter__()
        with pytest.raises(CannotMeasureError, match=f"process {os.getpid()} has locked"):
            recover_gpus(setup.folder, gpus.library)
        assert gpus.calls == before
        assert control.guardian_pid is not None


def document(**changes: Any) -> dict[str, Any]:
    return {"version": 1, "pid": 4, "boot": boot_id(), "gpus": [0]} | changes


@pytest.mark.parametrize(
    "forged",
    [
        "{",
        "null",
        "[]",
        json.dumps(document(version=2)),
        json.dumps(document(version=True)),
        json.dumps(document(pid="4")),
        json.dumps(document(pid=0)),
        json.dumps(document(boot=3)),
        json.dumps(document(gpus=[])),
        json.dumps(document(gpus=[0, "1"])),
        json.dumps(document(gpus=[-1])),
        json.dumps(document(gpus=[True])),
        json.dumps(document(gpus=[256])),
        json.dumps(document(gpus={"0": 1})),
        json.dumps(document(library="/tmp/evil.so")),
        json.dumps(document(files={"cpufreq/policy0/scaling_governor": "performance"})),
    ],
)
def test_a_forged_journal_does_nothing(gpus: Gpus, folder: Path, forged: str) -> None:
    folder.mkdir()
    path = gpu_journal_path(folder)
    path.write_text(forged)
    path.chmod(0o600)
    with pytest.raises(JournalError, match="nothing was written") as caught:
        recover_gpus(folder, gpus.library)
    assert caught.value.exit_code == ExitCode.USAGE
    assert gpus.calls == []
    assert path.exists()


def test_a_journal_that_others_may_write_does_nothing(gpus: Gpus, folder: Path) -> None:
    write_gpu_journal(folder, GpuJournal(4, "", (0,))).chmod(0o666)
    with pytest.raises(JournalError, match="not a file that you alone may write"):
        recover_gpus(folder, gpus.library)
    assert gpus.calls == []


def test_a_restart_undid_everything(gpus: Gpus, folder: Path) -> None:
    write_gpu_journal(folder, GpuJournal(4, "another start", (0, 1)))
    recovery = recover_gpus(folder, gpus.library)
    assert recovery is not None and recovery.restarted
    assert gpus.calls == []
    assert gpus_pending(folder) is None


class Run:
    """A run in its own process, and its guardian's number."""

    def __init__(self, gpus: Gpus, folder: Path) -> None:
        command = [sys.executable, str(RUN), gpus.library, str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.guardian = int(self.process.stdout.readline())

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def running(gpus: Gpus, folder: Path) -> Iterator[Run]:
    run = Run(gpus, folder)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.communicate()


def gone(pid: int) -> bool:
    """Whether the process has ended, be its parent aware of it or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_guardian_frees_after_a_kill(gpus: Gpus, folder: Path) -> None:
    with running(gpus, folder) as run:
        assert gpus.locked == {"gpu0": 1410, "gpu1": 1410}
        assert run.end(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: gpus_pending(folder) is None and gone(run.guardian))
    assert gpus.locked == {}
    assert gpus.calls[-2:] == ["reset 0", "reset 1"]


def killed_with_its_guardian(gpus: Gpus, folder: Path) -> int:
    with running(gpus, folder) as run:
        os.kill(run.guardian, signal.SIGSTOP)  # so that it does not hear of the run's end
        run.end(signal.SIGKILL)
        os.kill(run.guardian, signal.SIGKILL)
        until(lambda: gone(run.guardian))
    assert gpus.locked == {"gpu0": 1410, "gpu1": 1410}
    return run.process.pid


def test_when_both_are_killed_the_journal_frees(gpus: Gpus, folder: Path) -> None:
    pid = killed_with_its_guardian(gpus, folder)
    recovery = recover_gpus(folder, gpus.library)
    assert recovery is not None
    assert (recovery.pid, recovery.restoration.failed) == (pid, ())
    assert recovery.restoration.changed == ("the clock of GPU 0", "the clock of GPU 1")
    assert gpus.locked == {}
    assert recover_gpus(folder, gpus.library) is None


def test_the_next_run_frees_first(gpus: Gpus, setup: GpuSetup, folder: Path) -> None:
    pid = killed_with_its_guardian(gpus, folder)
    with GpuControl(setup) as control:
        assert control.recovered is not None and control.recovered.pid == pid
        assert gpus.calls[2:4] == ["reset 0", "reset 1"]
        assert gpus.locked == {"gpu0": 1410, "gpu1": 1410}
    assert gpus.locked == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_free(gpus: Gpus, folder: Path, number: signal.Signals) -> None:
    with running(gpus, folder) as run:
        assert run.end(number) != 0
        assert gpus_pending(folder) is None
        assert gone(run.guardian)
    assert gpus.locked == {}
