# SPDX-License-Identifier: Apache-2.0
"""`serialprof run --clock` as a process: exit codes, one sentence, no file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from serialprof.clock.policies import policies

RUN = "from serialprof.cli import main; main()"
#: The same with the kernel files of a folder, given first.
ON_FILES = """
import sys
from pathlib import Path
from serialprof import clocksetup
from tests.clock.trees import Kernel
root = Path(sys.argv.pop(1))
files = clocksetup.ClockFiles(Kernel(root), root.parent / "state")
import serialprof.preparation
serialprof.preparation.kernel_files = lambda: files
from serialprof.cli import main
main()
"""
REPOSITORY = Path(__file__).parents[2]


def serialprof(*arguments: str, cwd: Path, code: str = RUN) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n{code}", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Kernel files with a policy for every CPU of this machine."""
    from serialprof.machine.reading import read_machine
    from tests.clock import trees

    for cpu in read_machine().cpus:
        trees.policy(tmp_path / "cpu", cpu, scaling_available_frequencies=" ".join(map(str, trees.STATES)))
    return tmp_path / "cpu"


@pytest.mark.skipif(bool(policies()), reason="this machine has cpufreq")
@pytest.mark.parametrize("clocks", ["1GHz", "all", "turbo"])
def test_a_machine_without_cpufreq_ends_3_with_one_sentence_and_no_file(tmp_path: Path, clocks: str) -> None:
    done = serialprof("run", "chain", "--quick", "--clock", clocks, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr == (
        "serialprof: clocks cannot be set: this kernel offers no clock control (no cpufreq), as in most virtual "
        "machines; leave out --clock\n"
    )
    assert done.stdout == "" and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--clock", "2400"), "'2400' in --clock '2400' has no unit; is it 2400MHz or 2400kHz?"),
        (("--clock", ""), "is no frequency"),
        (("--clock", "all", "--no-meter"), "--no-meter does not go with clocks"),
        (("--turbo",), "--turbo is given, but no clock is to be set; add --clock, such as --clock all"),
        (("--clock", "off", "--turbo"), "--turbo is given"),
    ],
)
def test_what_cannot_be_understood_ends_2_and_leaves_no_file(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    done = serialprof("run", "chain", "--quick", *options, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_shows_the_clocks_and_sets_none(tmp_path: Path, root: Path) -> None:
    from tests.clock import trees

    before = trees.contents(root)
    arguments = ("run", "chain", "--quick", "--threads", "1", "--clock", "1.6GHz,800MHz", "--dry-run")
    done = serialprof(str(root), *arguments, cwd=tmp_path, code=ON_FILES)
    assert done.returncode == 0, done.stderr
    assert "clocks:     800 MHz, 1.6 GHz, each of policy" in done.stdout
    told = json.loads(serialprof(str(root), *arguments, "--json", cwd=tmp_path, code=ON_FILES).stdout)
    assert [clock["hertz"] for clock in told["plan"]["clocks"]] == [800_000_000, 1_600_000_000]
    assert trees.contents(root) == before and not (tmp_path / "state").exists()


def test_off_leaves_clocks_alone(tmp_path: Path, root: Path) -> None:
    done = serialprof(str(root), "run", "chain", "--quick", "--clock", "off", "--dry-run", cwd=tmp_path, code=ON_FILES)
    assert done.returncode == 0 and "clocks:" not in done.stdout
