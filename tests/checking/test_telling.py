# SPDX-License-Identifier: Apache-2.0
"""A report as text: 80 columns, the worst first, and one sentence that concludes."""

from dataclasses import replace

from serialprof.checking.evidence import Failure
from serialprof.checking.report import report_of
from serialprof.checking.telling import lines
from serialprof.errors import ExitCode
from serialprof.measure.observation import Conduct, DepthTime
from tests.checking.made import EVIDENCE, seen


def test_a_sound_workload_is_told_in_a_few_lines() -> None:
    report = report_of("toys.py:toy", EVIDENCE)
    told = list(lines(report, 80))
    assert told[0] == "toys.py:toy at width 16 (lanes), 1 thread, cpu: a step takes 15.6 us"
    assert told[2].startswith("Nothing found.")
    assert report.exit_code == ExitCode.OK


def test_findings_fit_the_columns_and_conclude_with_their_number() -> None:
    flat = (DepthTime(8, 1e-3), DepthTime(64, 1e-3))
    evidence = replace(seen(depths=flat, conduct=Conduct(printed=9)), work=None, gaps=("threads: out of memory",))
    report = report_of("toys.py:toy", evidence)
    told = list(lines(report, 80, lambda severity, text: text.upper()))
    assert max(map(len, told)) <= 80
    starts = [line for line in told if line and not line.startswith(" ")]
    assert starts[1:5] == [
        "ERROR    no-growth",
        "WARNING  prints",
        "NOTE     undeclared",
        "not looked at: threads: out of memory",
    ]
    assert told[-2].startswith("1 error, 1 warning, 1 note: what would be measured is not")
    assert report.exit_code == ExitCode.USAGE


def test_notes_alone_are_no_finding_of_anything_wrong() -> None:
    told = " ".join(lines(report_of("toys.py:toy", replace(seen(), work=None)), 80))
    assert "1 note, and nothing wrong. Steps follow one another" in told
    assert "Nothing found" not in told


def test_warnings_end_with_0_and_a_failure_with_2() -> None:
    warned = report_of("toys.py:toy", seen(conduct=Conduct(printed=9)))
    assert warned.exit_code == ExitCode.OK
    assert list(lines(warned, 80))[-1].startswith("1 warning: it can be measured")
    nothing = replace(EVIDENCE, observations=(), widths=(), spread=None, failure=Failure("ValueError: no"))
    failed = report_of("toys.py:toy", nothing)
    assert failed.exit_code == ExitCode.USAGE
    assert failed.step_seconds is None
    assert next(iter(lines(failed, 80))) == "toys.py:toy at width 16 (lanes), 1 thread, cpu"
