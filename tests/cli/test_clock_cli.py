# SPDX-License-Identifier: Apache-2.0
"""`serialprof clock restore`, on trees of files and with journals of processes that were killed."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from serialprof import cli
from serialprof.clock import gpurestoring
from serialprof.clock import journal as journals
from serialprof.clock import recovery as recoveries
from serialprof.clock.control import ClockControl
from serialprof.clock.gpujournal import GpuJournal, gpu_journal_path, write_gpu_journal
from serialprof.clock.journal import Journal, boot_id, journal_path, write_journal
from serialprof.clock.policies import policies
from serialprof.clock.sysfs import Tree
from serialprof.errors import ExitCode
from tests.clock import gpus as made_gpus
from tests.clock import trees

GOVERNOR = "cpufreq/policy0/scaling_governor"


def ended() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


class Machine:
    """A tree and the folders of journals, in the place of this machine's."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.tree = Tree(trees.acpi(tmp_path / "cpu"))
        self.folder, self.roots = tmp_path / "own", tmp_path / "root"
        self._monkeypatch, self._capsys = monkeypatch, capsys
        monkeypatch.setattr(recoveries, "Tree", lambda: self.tree)
        for module in (journals, recoveries, gpurestoring):
            monkeypatch.setattr(module, "default_folder", lambda: self.folder)
        monkeypatch.setattr(journals, "ROOT_FOLDER", self.roots)

    def left_behind(self, folder: Path, boot: str = boot_id(), **files: str) -> Path:
        """A journal of a process that has ended; by default it had changed one governor."""
        kept = files or {GOVERNOR: "performance"}
        return write_journal(folder, Journal(ended(), boot, str(self.tree.root), kept))

    def restore(self) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of the command."""
        self._monkeypatch.setattr(sys, "argv", ["serialprof", "clock", "restore"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self._capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    return Machine(tmp_path, monkeypatch, capsys)


def test_with_nothing_to_give_back_it_ends_with_0(machine: Machine) -> None:
    assert machine.restore() == (0, "There is nothing to give back: no run has left its clocks.\n", "")


def test_a_stale_journal_is_given_back_and_told(machine: Machine) -> None:
    path = machine.left_behind(machine.folder)
    code, out, err = machine.restore()
    assert (code, err) == (0, "")
    assert out.startswith("Given back what process ")
    assert out.splitlines()[1:] == [f"  {GOVERNOR}"]
    assert machine.tree.read(GOVERNOR) == "performance"
    assert not path.exists()
    assert machine.restore()[1].startswith("There is nothing")


def test_a_run_that_was_killed_before_it_changed_anything(machine: Machine) -> None:
    machine.left_behind(machine.folder, **{GOVERNOR: "ondemand"})
    code, out, _ = machine.restore()
    assert code == 0
    assert "was killed before it changed anything" in out


def test_a_restart_undid_everything(machine: Machine) -> None:
    machine.left_behind(machine.folder, boot="another start")
    code, out, _ = machine.restore()
    assert code == 0
    assert "restarted since" in out
    assert machine.tree.read(GOVERNOR) == "ondemand"


def test_while_the_run_lives_it_is_refused(machine: Machine) -> None:
    with ClockControl(policies(machine.tree), machine.tree, machine.folder):
        code, out, err = machine.restore()
        assert (code, out) == (ExitCode.CANNOT_MEASURE, "")
        assert err.startswith(f"serialprof: process {os.getpid()} is setting this machine's clocks")


def test_a_damaged_journal_is_one_sentence_and_2(machine: Machine) -> None:
    path = machine.left_behind(machine.folder)
    path.write_text("{")
    before = trees.contents(machine.tree.root)
    code, out, err = machine.restore()
    assert (code, out) == (ExitCode.USAGE, "")
    assert err.startswith(f"serialprof: the clock journal {path} cannot be used: it is no JSON; nothing was written")
    assert len(err.splitlines()) == 1
    assert trees.contents(machine.tree.root) == before


def test_what_cannot_be_given_back_ends_with_2_and_stays(machine: Machine) -> None:
    path = machine.left_behind(
        machine.folder, **{GOVERNOR: "performance", "cpufreq/policy7/scaling_governor": "ondemand"}
    )
    code, out, err = machine.restore()
    assert code == ExitCode.USAGE
    assert out.splitlines()[1:] == [f"  {GOVERNOR}"]
    assert "cpufreq/policy7/scaling_governor could not be set back to ondemand" in err
    assert path.exists()


def test_a_user_is_told_of_what_root_left(machine: Machine) -> None:
    path = machine.left_behind(machine.roots)
    code, out, err = machine.restore()
    assert (code, out) == (ExitCode.USAGE, "")
    assert f"({journal_path(machine.roots)}); sudo serialprof clock restore" in err
    assert path.exists()


def test_help_and_a_command_that_is_not_there(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["serialprof", "clock", "reset"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == ExitCode.USAGE
    assert "No such command 'reset'" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["serialprof", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "Give back clocks that a killed run had set." in capsys.readouterr().out


@pytest.fixture
def gpus(tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> made_gpus.Gpus:
    """Two made-up GPUs, one of them locked by a process that has ended."""
    if made_gpus.COMPILER is None:
        pytest.skip("needs a C compiler")
    made = made_gpus.Gpus(made_gpus.compiled(tmp_path), tmp_path / "gpus")
    monkeypatch.setenv("FAKE_NVML", str(made.folder))
    monkeypatch.setattr(gpurestoring, "recover_gpus", partial(gpurestoring.recover_gpus, library=made.library))
    made.put("gpu1", "1410")
    write_gpu_journal(machine.folder, GpuJournal(ended(), boot_id(), (1,)))
    return made


def test_gpus_are_freed_too(machine: Machine, gpus: made_gpus.Gpus) -> None:
    machine.left_behind(machine.folder)
    code, out, err = machine.restore()
    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if line.startswith("  ")] == [f"  {GOVERNOR}", "  the clock of GPU 1"]
    assert (gpus.calls, gpus.locked) == (["reset 1"], {})
    assert machine.restore()[1].startswith("There is nothing")


def test_a_damaged_journal_of_cpus_does_not_keep_gpus(machine: Machine, gpus: made_gpus.Gpus) -> None:
    machine.left_behind(machine.folder).write_text("{")
    code, out, err = machine.restore()
    assert code == ExitCode.USAGE
    assert "the clock of GPU 1" in out
    assert "it is no JSON" in err
    assert gpus.locked == {}


def test_what_stands_in_the_way_of_both_is_told(machine: Machine, gpus: made_gpus.Gpus) -> None:
    machine.left_behind(machine.folder).write_text("{")
    gpu_journal_path(machine.folder).write_text("[]")
    code, out, err = machine.restore()
    assert (code, out, len(err.splitlines())) == (ExitCode.USAGE, "", 2)
    assert gpus.calls == []


def test_a_user_is_told_of_gpus_that_root_left(machine: Machine) -> None:
    write_gpu_journal(machine.roots, GpuJournal(ended(), boot_id(), (0,)))
    code, out, err = machine.restore()
    assert (code, out) == (ExitCode.USAGE, "")
    assert f"({gpu_journal_path(machine.roots)}); sudo serialprof clock restore" in err
