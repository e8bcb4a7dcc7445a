# SPDX-License-Identifier: Apache-2.0
"""`serialprof run -- CMD`."""

from pathlib import Path

import pytest

from serialprof.store import read_run
from serialprof.view import Run
from tests.cli.calling import called

#: Some six times its start-up for 40 units of work: a busy loop whose length is {depth} x {width}.
BUSY = "i=0; while [ $i -lt $(({depth} * {width} * 200)) ]; do i=$((i+1)); done"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("run", "--"), "there is no command after --"),
        (("run", "--", "no-such-program"), "there is no command 'no-such-program'"),
        (("run", "lstm", "--", "true"), "a workload and a command"),
        (("run", "--width", "1,2", "--", "true"), "--width is given, but the command has no {width}"),
        (("run", "--depth", "9", "--", "true"), "--depth is given, but the command has no {depth}"),
        (("run", "--depth", "1", "--", "true", "{depth}"), "--depth 1: the start-up of true"),
        (("run", "--mode", "eager", "--", "true"), "--mode does not go with a command"),
        (("run", "--param", "a=1", "--", "true"), "--param does not go with a command"),
        (("run", "--dilate", "--", "true"), "--dilate has nothing to dilate: the steps of a whole program"),
        (("run", "--resume", "x.serialprof", "--", "true"), "no command can be given"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], complaint: str) -> None:
    done = called(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_program_is_measured_and_its_start_up_told_apart(tmp_path: Path) -> None:
    options = ("--depth", "40", "--width", "1,8", "--threads", "1", "--quick", "--budget", "3s")
    done = called("run", *options, "-o", "a.serialprof", "--no-html", "--", "sh", "-c", BUSY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    run = read_run(tmp_path / "a.serialprof")
    assert {point.setting.depth for point in run.plan.points} == {10, 40}
    assert "start-up" in done.stdout
    points = Run(run, tmp_path / "a.serialprof").points
    assert points["depth"].tolist() == [40] * 2, "pairs of depths are one point"
    # Eight times the work: that it takes longer is no matter of noise.
    assert points["step_seconds"].iloc[1] > points["step_seconds"].iloc[0] > 0


def test_a_program_that_ignores_depth_is_told_so(tmp_path: Path) -> None:
    options = ("--threads", "1", "--quick", "--budget", "3s", "--no-html", "-o", "a.serialprof")
    # Even an ignored depth takes longer once in a thousand runs. That the fewer steps sleep is no matter of noise.
    done = called("run", *options, "--", "sh", "-c", "test {depth} -gt 16 || sleep 0.1", cwd=tmp_path)
    assert done.returncode == 2
    assert "the command ignores {depth}, or needs a larger --depth" in done.stderr


def test_a_failing_program_keeps_its_words_in_the_run(tmp_path: Path) -> None:
    options = ("--threads", "1", "--quick", "--budget", "1s", "--no-html", "-o", "a.serialprof")
    done = called("run", *options, "--", "sh", "-c", "echo out of cheese >&2; exit 9", cwd=tmp_path)
    assert done.returncode == 2
    assert "exit code 9: out of cheese" in done.stderr
    (visit,) = read_run(tmp_path / "a.serialprof").visits
    assert "exit code 9: out of cheese" in visit.reason
