# SPDX-License-Identifier: Apache-2.0
"""`serialprof run --clock`: exit codes, one sentence, no file."""

import json
from pathlib import Path

import pytest

from serialprof import clocksetup, preparation
from serialprof.clock.policies import policies
from serialprof.machine.reading import read_machine
from tests.cli.calling import called
from tests.clock import trees


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Kernel files with a policy for every CPU of this machine, in the place of the kernel's."""
    root = tmp_path / "cpu"
    for cpu in read_machine().cpus:
        trees.policy(root, cpu, scaling_available_frequencies=" ".join(map(str, trees.STATES)))
    files = clocksetup.ClockFiles(trees.Kernel(root), tmp_path / "state")
    monkeypatch.setattr(preparation, "kernel_files", lambda: files)
    return root


@pytest.mark.skipif(bool(policies()), reason="this machine has cpufreq")
@pytest.mark.parametrize("clocks", ["1GHz", "all", "turbo"])
def test_a_machine_without_cpufreq_ends_3_with_one_sentence_and_no_file(tmp_path: Path, clocks: str) -> None:
    done = called("run", "chain", "--quick", "--clock", clocks, cwd=tmp_path)
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
    done = called("run", "chain", "--quick", *options, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_shows_the_clocks_and_sets_none(tmp_path: Path, root: Path) -> None:
    before = trees.contents(root)
    arguments = ("run", "chain", "--quick", "--threads", "1", "--clock", "1.6GHz,800MHz", "--dry-run")
    done = called(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "clocks:     800 MHz, 1.6 GHz, each of policy" in done.stdout
    told = json.loads(called(*arguments, "--json", cwd=tmp_path).stdout)
    assert [clock["hertz"] for clock in told["plan"]["clocks"]] == [800_000_000, 1_600_000_000]
    assert trees.contents(root) == before and not (tmp_path / "state").exists()


@pytest.mark.usefixtures("root")
def test_off_leaves_clocks_alone(tmp_path: Path) -> None:
    done = called("run", "chain", "--quick", "--clock", "off", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0 and "clocks:" not in done.stdout
