# SPDX-License-Identifier: Apache-2.0
"""`serialprof validate`: how it is printed, and the command as a process."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from serialprof.cli.validate import lines
from serialprof.errors import ExitCode
from serialprof.estimate import Estimate
from serialprof.validation.comparing import Check, Conditions
from serialprof.validation.running import LEAST_BUDGET, Validation
from tests import made
from tests.cli.calling import MAIN, called

HEAVY = {"numpy", "pandas", "matplotlib", "torch", "scipy"}
ROOT = Path(__file__).parents[2]
# What starts the tests may ignore SIGINT, which children inherit.
HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
#: Sampling ends with the fewest blocks.
COARSE = "from serialprof.validation import running; running._PRECISION = 1.0\n"
#: The limits are not measured, but those of a made-up machine.
LIMITED = """
from serialprof.validation import running
from tests import made
from tests.cli.calling import MAIN, called
running.probe_limits = lambda *_, **__: made.limits()
"""
#: With the least budget, limits are measured in their quick form.
SHORT = ("--budget", f"{LEAST_BUDGET:g}s")
BEYOND = Estimate(None, low=2.2, reason="beyond W = 128: the width work never takes as long")
CHECKS = (
    Check("serial share 0.5", Estimate(0.5, 0.5, 0.5), Estimate(0.501, 0.498, 0.5044), "inside"),
    Check(
        "barriers, 2 threads",
        Estimate(312e-9, 300e-9, 324e-9, "s"),
        Estimate(1.5e-6, 1.2e-6, 1.8e-6, "s"),
        "missed",
    ),
    Check(
        "memory share, 64 MiB",
        Estimate(0.25, 0.24, 0.26),
        Estimate.bracket(0.1, 0.6, "x"),
        "no verdict",
        "they grow alike",
    ),
    Check("knee within the sweep", Estimate(20.25, 20.25, 20.25, "lanes"), Estimate(20.3, 19.9, 20.7), "inside"),
    Check("knee beyond the sweep", Estimate(1216.0, 1216.0, 1216.0, "lanes"), BEYOND, "inside"),
)
FOUND = Validation(made.machine(), CHECKS, {}, Conditions(0.0, 0.01, 10), (), (), 83.0)


def shown(validation: Validation) -> list[str]:
    return list(lines(validation, 80, color=False))


def test_a_row_for_every_check_in_eighty_columns() -> None:
    rows = shown(FOUND)
    assert rows[:9] == [
        "planted                  truth             estimate, 99 % for all together",
        "─" * 80,
        "serial share 0.5         0.500             0.501 [0.498, 0.504]       inside",
        "barriers, 2 threads      312 ns ± 12.0 ns  1.50 us [1.20 us, 1.80 us] missed",
        "memory share, 64 MiB     0.250 ± 0.010     0.100 .. 0.600             no verdict",
        "  they grow alike",
        "knee within the sweep    20.25             20.3 [19.9, 20.7]          inside",
        "knee beyond the sweep    1216              beyond W = 128             inside",
        "",
    ]
    assert all(len(row) <= 80 for row in rows)


@pytest.mark.parametrize(
    ("changes", "closing", "code"),
    [
        ({}, "Missed on a quiet machine: barriers, 2 threads; 3 of 5 truths were contained, so", ExitCode.REGRESSION),
        (
            {"checks": (CHECKS[0], CHECKS[2])},
            "1 of 2 truths were contained, none was missed, 1 had no verdict: this machine's numbers can be believed",
            ExitCode.OK,
        ),
        (
            {"checks": (CHECKS[0],)},
            "1 of 1 truths were contained, none was missed: this machine's numbers can be believed (83.0 s).",
            ExitCode.OK,
        ),
        (
            {"checks": (CHECKS[2],)},
            "The data cannot tell: 0 of 1 truths were contained, and most checks have no verdict (83.0 s).",
            ExitCode.CANNOT_MEASURE,
        ),
        (
            {"noise": ("other processes took 40 %", "half was disturbed")},
            "Too noisy to be believed: other processes took 40 %; half was disturbed; serialprof doctor says what",
            ExitCode.CANNOT_MEASURE,
        ),
        (
            {"failed": ("planted: worker died",), "noise": ("busy",)},
            "Planted programs failed, so nothing is said of the others; 3 of 5 truths were contained (83.0 s).",
            ExitCode.USAGE,
        ),
    ],
)
def test_one_sentence_closes_it_and_errors_outrank_verdicts(
    changes: dict[str, object], closing: str, code: ExitCode
) -> None:
    validation = replace(FOUND, **changes)  # type: ignore[arg-type]
    rows = shown(validation)
    assert closing in " ".join(rows[rows.index("") :])
    assert validation.exit_code == code


def test_what_was_skipped_is_said_with_its_reason() -> None:
    rows = shown(replace(FOUND, skipped={"2 threads": "this process may use one core"}))
    assert "skipped: 2 threads: this process may use one core" in rows


def test_verdicts_alone_are_coloured() -> None:
    colored = list(lines(FOUND, 80, color=True))
    assert [row for row in colored if "\x1b" in row] == [colored[index] for index in (2, 3, 4, 6, 7)]


def command(*arguments: str, before: str = "") -> list[str]:
    return [sys.executable, "-c", HEED + before + MAIN, "validate", *arguments]


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """An empty folder for whatever is temporary."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def in_folder(temporary: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary)}


def test_this_machine_is_validated(temporary: Path) -> None:
    done = subprocess.run(
        command("--json", *SHORT, before=COARSE),
        env=in_folder(temporary), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert done.returncode == found["exit_code"]
    assert done.returncode in (0, 1, 3), done.stderr
    names = {item["name"] for item in found["checks"]}
    assert {"serial share 0.1", "serial share 0.5", "serial share 0.9", "knee within the sweep"} <= names
    assert all(item["verdict"] in ("inside", "missed", "no verdict") for item in found["checks"])
    assert found["seconds"] < 1.2 * LEAST_BUDGET
    assert found["failed"] == []
    assert "sampling" in done.stderr
    assert list(temporary.iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(temporary: Path) -> None:
    with subprocess.Popen(
        command(*SHORT, before=LIMITED), cwd=ROOT, env=in_folder(temporary), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        while not process.stderr.readline().startswith("calibrating"):
            assert process.poll() is None
        assert list(temporary.glob("serialprof-*"))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "serialprof: interrupted; nothing was left behind\n"
    assert list(temporary.iterdir()) == []


def test_a_termination_while_limits_are_measured_leaves_nothing_behind(temporary: Path) -> None:
    with subprocess.Popen(command(), env=in_folder(temporary), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.readline().startswith("measuring")
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "serialprof: interrupted; nothing was left behind\n"
    assert list(temporary.iterdir()) == []


def test_a_full_temporary_folder_is_one_sentence(temporary: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
    done = subprocess.run(
        command(*SHORT, before=LIMITED + full),
        cwd=ROOT, env=in_folder(temporary), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("serialprof: cannot write")
    assert last.endswith("make room in the temporary folder, or set TMPDIR to another one")
    assert "Traceback" not in done.stderr
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--budget", "3s"), "--budget 3.00 s is too short"),
        (("--budget", "soon"), "'soon' is no duration"),
        (("more",), "Got unexpected extra argument (more)"),
    ],
)
def test_bad_input_is_one_sentence(temporary: Path, arguments: tuple[str, ...], complaint: str) -> None:
    done = called("validate", *arguments, cwd=temporary)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.startswith("serialprof: ") and len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['serialprof', 'validate', '--help']\n"
        "from serialprof.cli import main\n"
        "try: main()\n"
        f"finally: print('HEAVY', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"
    assert "--budget" in done.stdout
