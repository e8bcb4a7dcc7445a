# SPDX-License-Identifier: Apache-2.0
"""Planted defects, found in real processes; a sound workload beside them, and those of the catalogue, have none."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from serialprof.checking import peaks, probes
from serialprof.checking.probes import CheckRequest
from serialprof.checking.report import Report, check_workload
from serialprof.errors import ExitCode, UsageError, WorkloadError
from serialprof.machine.reading import read_machine

DEFECTS = Path(__file__).with_name("defects.py")

#: Defects that show over some time.
SLOW = {"drifts", "cools"}
FOUND = {
    "constant": ("no-growth", "error"),
    "stateless": ("no-feedback", "warning"),
    "narrow": ("width-ignored", "warning"),
    "leaks": ("leak", "warning"),
    "drifts": ("drift", "warning"),
    "cools": ("never-warm", "warning"),
    "threaded": ("own-threads", "warning"),
    "unawaited": ("asynchronous", "error"),
    "boasts_flops": ("impossible-flops", "error"),
    "boasts_bytes": ("impossible-bytes", "error"),
    "boasts_footprint": ("impossible-footprint", "error"),
    "hides_memory": ("undeclared-memory", "warning"),
    "wide_does_more": ("wide-other-work", "warning"),
    "goes_on": ("not-reset", "warning"),
    "random": ("nondeterministic", "warning"),
    "wrong": ("wrong-answer", "error"),
    "raises": ("fails", "error"),
    "starts": ("starts-processes", "warning"),
    "prints": ("prints", "warning"),
    "wanders": ("folder", "error"),
    "roams": ("affinity", "error"),
}


@pytest.fixture(scope="module", autouse=True)
def _peaks_measured_once() -> Iterator[None]:
    """What this machine can do at best is measured, but once for all these tests."""
    find = peaks._limits
    measured = cache(lambda threads: find(read_machine(), threads, lambda text: None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peaks, "_limits", lambda machine, threads, tell: measured(threads))
        yield


def checked(name: str, seconds: float = 2.0) -> Report:
    return check_workload(CheckRequest(f"{DEFECTS}:{name}", seconds=seconds))


def worse(report: Report) -> dict[str, str]:
    """All but the notes."""
    return {finding.name: finding.severity for finding in report.findings if finding.severity != "note"}


@pytest.mark.parametrize("name", FOUND)
def test_a_planted_defect_is_found(name: str) -> None:
    found, severity = FOUND[name]
    report = checked(name, 6.0 if name in SLOW else 2.0)
    assert worse(report).get(found) == severity, report
    assert report.exit_code == (ExitCode.USAGE if severity == "error" else ExitCode.OK)


def test_a_step_that_does_not_come_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "_PATIENCE", 8.0)
    report = checked("sleeps")
    assert worse(report) == {"hangs": "error"}
    assert report.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("name", ["sound", "sound_function"])
def test_a_sound_workload_passes(name: str) -> None:
    report = checked(name)
    assert worse(report) == {}, report
    assert report.exit_code == ExitCode.OK
    assert report.step_seconds is not None and 0 < report.step_seconds < 1


@pytest.mark.parametrize("name", ["chain", "lstm", "rule110"])
def test_a_workload_of_the_catalogue_passes(name: str) -> None:
    report = check_workload(CheckRequest(name, seconds=2.0))
    assert worse(report) == {}, report
    assert report.gaps == ()


def test_knobs_are_those_of_the_workload() -> None:
    with pytest.raises(UsageError, match="no parameter 'hidden'"):
        check_workload(CheckRequest(f"{DEFECTS}:sound", parameters={"hidden": 3}))
    with pytest.raises(UsageError, match="--threads 4096"):
        check_workload(CheckRequest(f"{DEFECTS}:sound", threads=4096))
    with pytest.raises(UsageError, match="does not run on device cuda:0"):
        check_workload(CheckRequest(f"{DEFECTS}:sound", device="cuda"))
    with pytest.raises(WorkloadError, match="sound"):
        check_workload(CheckRequest(f"{DEFECTS}:soundd"))


def test_widths_may_be_given() -> None:
    report = check_workload(CheckRequest(f"{DEFECTS}:sound", widths=(8,), seconds=1.0))
    assert report.setting.width == 8
    assert worse(report) == {}
