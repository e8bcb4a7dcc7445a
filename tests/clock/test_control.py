# SPDX-License-Identifier: Apache-2.0
"""Setting clocks inside a block and giving them back when it ends, in this process."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from serialprof.clock.control import ClockControl
from serialprof.clock.guardian import Guardian
from serialprof.clock.journal import Journal, boot_id, journal_path, read_journal, write_journal
from serialprof.clock.policies import policies
from serialprof.clock.recovery import pending, recover
from serialprof.clock.request import parse_clocks
from serialprof.clock.sysfs import Tree
from serialprof.errors import CannotMeasureError, SerialprofError
from serialprof.policyclock import Clock
from tests.clock import trees

PROFILER = Path(__file__).parents[2] / "profiler"
SLOW, FAST = Clock(800_000_000), Clock(3_000_000_000)


@pytest.fixture
def kernel(tmp_path: Path) -> trees.Kernel:
    return trees.Kernel(trees.acpi(tmp_path / "cpu"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_everything_is_as_it_was_after_the_block(kernel: trees.Kernel, folder: Path) -> None:
    before = trees.contents(kernel.root)
    with ClockControl(policies(kernel), kernel, folder) as control:
        assert control.recovered is None
        for clock in (SLOW, FAST, SLOW):
            rows = control.set(clock)
            assert [(row.policy, row.requested, row.read_back) for row in rows] == [
                (name, clock.hertz, clock.hertz) for name in ("policy0", "policy1")
            ]
            assert all(row.measured is None and row.note == "" for row in rows)
        assert trees.contents(kernel.root) != before
    assert trees.contents(kernel.root) == before
    assert control.restoration.failed == ()
    assert "cpufreq/policy0/scaling_governor" in control.restoration.changed
    assert pending(folder) is None


def test_the_journal_is_on_disk_before_the_first_write(
    kernel: trees.Kernel, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    synced: list[bool] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(stat.S_ISDIR(os.fstat(file).st_mode)), real(file)))
    write = kernel.write

    def watching(name: str, value: str) -> None:
        journal = read_journal(journal_path(folder))
        seen.append(
            journal.files.get(name, "was not there")
            if journal is not None and synced[:2] == [False, True]
            else "no journal"
        )
        write(name, value)

    monkeypatch.setattr(kernel, "write", watching)
    with ClockControl(policies(kernel), kernel, folder) as control:
        assert not seen  # entering writes nothing but the journal
        assert stat.S_IMODE(journal_path(folder).stat().st_mode) == 0o600
        control.set(Clock(1_600_000_000))
    assert seen[0] == "ondemand"
    assert "no journal" not in seen


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_gives_back(kernel: trees.Kernel, folder: Path, error: type[BaseException]) -> None:
    before = trees.contents(kernel.root)
    with pytest.raises(error), ClockControl(policies(kernel), kernel, folder) as control:
        control.set(SLOW)
        raise error
    assert trees.contents(kernel.root) == before
    assert pending(folder) is None


def test_sigterm_gives_back_and_is_as_it_was_afterwards(kernel: trees.Kernel, folder: Path) -> None:
    before = trees.contents(kernel.root)
    with pytest.raises(SystemExit) as ended, ClockControl(policies(kernel), kernel, folder) as control:
        control.set(SLOW)
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 128 + signal.SIGTERM
    assert trees.contents(kernel.root) == before
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_ctrl_c_while_clocks_are_given_back_is_not_heard(kernel: trees.Kernel, folder: Path) -> None:
    before = trees.contents(kernel.root)
    # A shell's background jobs inherit that it is ignored.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    with ClockControl(policies(kernel), kernel, folder) as control:
        control.set(SLOW)
        write = kernel.write

        def interrupted(name: str, value: str) -> None:
            signal.raise_signal(signal.SIGINT)
            write(name, value)

        kernel.write = interrupted  # type: ignore[method-assign]
    assert trees.contents(kernel.root) == before
    assert signal.signal(signal.SIGINT, handler) == signal.default_int_handler


def test_two_at_once_are_refused_with_the_pid(kernel: trees.Kernel, folder: Path) -> None:
    with ClockControl(policies(kernel), kernel, folder) as control:
        control.set(SLOW)
        during = trees.contents(kernel.root)
        with (
            pytest.raises(CannotMeasureError, match=f"process {os.getpid()} is setting this machine's clocks"),
            ClockControl(policies(kernel), kernel, folder),
        ):
            pass
        with pytest.raises(CannotMeasureError, match=str(os.getpid())):
            recover(folder, kernel)
        assert trees.contents(kernel.root) == during
        assert pending(folder) is not None
    assert pending(folder) is None


def test_turbo_is_switched_off_first_and_given_back(tmp_path: Path, folder: Path) -> None:
    kernel = trees.Kernel(trees.intel(tmp_path / "cpu"))
    before = trees.contents(kernel.root)
    with ClockControl(policies(kernel), kernel, folder) as control:
        row = control.set(Clock(1_200_000_000))[0]
        assert row.read_back == 1_200_000_000
        assert kernel.written()[0] == "intel_pstate/no_turbo 1"
        row = control.set(Clock(4_200_000_000, turbo=True))[0]
        assert row.read_back == 4_200_000_000
        assert kernel.read("intel_pstate/no_turbo") == "0"
    assert trees.contents(kernel.root) == before


def test_turbo_that_was_off_stays_off(tmp_path: Path, folder: Path) -> None:
    kernel = trees.Kernel(trees.intel(tmp_path / "cpu", no_turbo=1))
    with ClockControl(policies(kernel), kernel, folder) as control:
        control.set(Clock(2_400_000_000, turbo=True))
        control.set(Clock(1_000_000_000))
    assert not any("no_turbo" in line for line in kernel.written())


def test_what_cannot_be_given_back_is_told_and_its_journal_stays(kernel: trees.Kernel, folder: Path) -> None:
    with ClockControl(policies(kernel), kernel, folder) as control:
        control.set(SLOW)
        kernel.refuse["cpufreq/policy1/scaling_governor"] = 5
        # the guardian tries too, on the files as they are; nor can it, where there is no file
        (kernel.root / "cpufreq/policy1/scaling_governor").unlink()
    (sentence,) = control.restoration.failed
    assert "policy1/scaling_governor could not be set back to ondemand: it cannot be read" in sentence
    assert pending(folder) is not None
    with pytest.raises(SerialprofError, match=r"could not all be given back.*serialprof clock restore"):
        ClockControl(policies(Tree(kernel.root)), kernel, folder).__enter__()
    trees.put(kernel.root, "cpufreq/policy1/scaling_governor", "userspace")
    kernel.refuse.clear()
    recovery = recover(folder, kernel)
    assert recovery is not None
    assert recovery.restoration.changed == ("cpufreq/policy1/scaling_governor",)
    assert recover(folder, kernel) is None


def test_what_the_run_could_not_give_back_the_guardian_does(tmp_path: Path, folder: Path) -> None:
    kernel = trees.Kernel(trees.intel(tmp_path / "cpu"))
    before = trees.contents(kernel.root)
    with ClockControl(policies(kernel), kernel, folder) as control:
        control.set(SLOW)
        kernel.refuse["cpufreq/policy1/scaling_min_freq"] = 5  # to the run alone
    assert control.restoration.failed == ()
    assert trees.contents(kernel.root) == before
    assert pending(folder) is None


def test_a_guardian_that_is_dismissed_touches_nothing(kernel: trees.Kernel, folder: Path) -> None:
    files = {"cpufreq/policy0/scaling_governor": "performance"}
    lock = kernel.lock()
    assert lock is not None
    before = trees.contents(kernel.root)
    path = write_journal(folder, Journal(os.getpid(), boot_id(), str(kernel.root), files))
    Guardian(kernel.root, path, lock).dismiss()
    assert trees.contents(kernel.root) == before
    assert path.exists()
    Guardian(kernel.root, path, lock).leave()  # without a word
    assert kernel.read("cpufreq/policy0/scaling_governor") == "performance"
    assert not path.exists()
    os.close(lock)


def test_a_guardian_that_was_ended_is_replaced(kernel: trees.Kernel, folder: Path) -> None:
    with ClockControl(policies(kernel), kernel, folder) as control:
        first = control.guardian_pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
        control.set(SLOW)
        assert control.guardian_pid not in (None, first)
    assert control.guardian_pid is None
    assert pending(folder) is None


def test_without_a_guardian_nothing_is_written(
    kernel: trees.Kernel, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    control = ClockControl(policies(kernel), kernel, folder)
    with pytest.raises(CannotMeasureError, match="did not start"), control:
        pass
    assert kernel.log == []
    assert pending(folder) is None
    with pytest.raises(RuntimeError, match="inside the with block"):
        control.set(SLOW)


def test_a_journal_that_cannot_be_kept_leaves_clocks_alone(kernel: trees.Kernel, folder: Path) -> None:
    folder.write_text("in the way")
    with pytest.raises(CannotMeasureError, match="clocks are not set"), ClockControl(policies(kernel), kernel, folder):
        pass
    assert kernel.log == []


def test_no_policy_is_no_control(kernel: trees.Kernel) -> None:
    with pytest.raises(ValueError, match="no policy"):
        ClockControl([], kernel)


def test_nothing_but_the_standard_library_is_imported() -> None:
    """In an interpreter without site-packages, as in a guest where nothing is installed."""
    code = (
        f"import sys; sys.path.insert(0, {str(PROFILER)!r})\n"
        "import serialprof.clock.control, serialprof.clock.permission, serialprof.clock.guardian\n"
        "others = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - {'__main__'}\n"
        "own = [name for name in sys.modules if name.startswith('serialprof.') and 'clock' not in name]\n"
        "print(sorted(others), own)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['serialprof'] ['serialprof.errors']"


def test_the_example_in_the_docstring(kernel: trees.Kernel, folder: Path) -> None:
    clocks = parse_clocks("all", policies(kernel))
    assert clocks is not None
    with ClockControl(policies(kernel), kernel, folder) as control:
        back = [control.set(clock)[0].read_back for clock in clocks]
    assert back == [1000 * state for state in trees.STATES]
