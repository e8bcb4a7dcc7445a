# SPDX-License-Identifier: Apache-2.0
"""`serialprof doctor`: how its findings are printed, and the whole command on this machine."""

import json
import subprocess
import sys

import pytest

from serialprof.cli.doctor import lines
from serialprof.machine.finding import Finding
from tests.cli.calling import MAIN

HEAVY = {"numpy", "pandas", "matplotlib", "torch", "scipy"}
LONG = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
FINDINGS = (
    Finding("memory", "good", "22 GiB are available."),
    Finding("load", "costs", "Other processes used the time of 1.03 CPUs while this one slept.", "51 % of 2 CPUs"),
    Finding("heat", "unknown", "No temperature can be read."),
    Finding("governor", "costs", "The governor is powersave.", "", LONG),
    Finding("clock wander", "good", "The clock was 3.7 GHz.", "a spread of 0.1 %"),
)


def test_what_costs_comes_first_with_its_cost_and_remedy() -> None:
    assert list(lines(FINDINGS, 80, color=False)) == [
        "spoils or limits measurements",
        "  load           Other processes used the time of 1.03 CPUs while this one",
        "                 slept. Cost: 51 % of 2 CPUs.",
        "  governor       The governor is powersave.",
        "                 $ echo performance | sudo tee \\",
        "                     /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        "",
        "cannot be told here",
        "  heat           No temperature can be read.",
        "",
        "good",
        "  memory         22 GiB are available.",
        "  clock wander   The clock was 3.7 GHz. Measured: a spread of 0.1 %.",
    ]


def test_a_broken_command_is_the_same_to_the_shell() -> None:
    remedy = "printf '%s,' " + " ".join(f"word-{index}/of/a/path" for index in range(12))
    shown = list(lines([Finding("load", "costs", "Busy.", "", remedy)], 60, color=False))[2:]
    assert len(shown) > 3
    assert max(map(len, shown)) <= 60
    command = "\n".join(shown).replace("$ ", "", 1)
    assert run_in_shell(command) == run_in_shell(remedy)


def run_in_shell(command: str) -> str:
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout


def test_a_state_that_nothing_has_is_left_out() -> None:
    assert list(lines(FINDINGS[:1], 80, color=False)) == ["good", "  memory         22 GiB are available."]


def test_headings_alone_are_coloured() -> None:
    plain, colored = list(lines(FINDINGS, 80, color=False)), list(lines(FINDINGS, 80, color=True))
    assert [line for line in colored if "\x1b" in line] == [
        line for line in colored if any(heading in line for heading in ("spoils", "cannot be told", "good"))
    ]
    assert len(plain) == len(colored)


@pytest.fixture(scope="module")
def doctor() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", MAIN, "doctor"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def test_this_machine_is_looked_at_in_eighty_columns(doctor: subprocess.CompletedProcess[str]) -> None:
    assert all(len(line) <= 80 for line in doctor.stdout.splitlines())
    for name in ("load", "interruptions", "steal", "clock wander", "SMT", "heat", "clock control", "counters", "quota"):
        assert f"\n  {name:<15}" in doctor.stdout
    assert "\x1b" not in doctor.stdout
    assert doctor.stderr == ""


def test_json_has_every_finding(doctor: subprocess.CompletedProcess[str]) -> None:
    command = [sys.executable, "-c", MAIN, "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    findings = json.loads(done.stdout)["findings"]
    assert all(set(finding) == {"name", "state", "what", "cost", "remedy"} for finding in findings)
    assert {finding["state"] for finding in findings} <= {"good", "costs", "unknown"}
    shown = {line[2:17].strip() for line in doctor.stdout.splitlines() if line.startswith("  ") and line[2] != " "}
    assert {finding["name"] for finding in findings} == shown


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['serialprof', 'doctor', '--help']\n"
        "from serialprof.cli import main\n"
        "try: main()\n"
        f"finally: print('HEAVY', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"
    assert "Changes" in done.stdout
