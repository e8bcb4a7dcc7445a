# SPDX-License-Identifier: Apache-2.0
"""A gate's report as JUnit XML, in the dialect that Jenkins, GitLab and GitHub's actions read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from serialprof_reports import gatewording as told
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from serialprof.gating.records import GateReport, Outcome

_NAME: Final = "serialprof gate"
_CLASS: Final = "serialprof.gate"
#: The element of a test case by verdict, where it does not pass.
_ELEMENTS: Final = {"error": "error", "no baseline": "error", "fail": "failure", "inconclusive": "failure"}
#: Attributes of a suite that count test cases, each with the element that it counts.
_COUNTED: Final = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def junit(report: GateReport) -> str:
    """One test case per benchmark.

    A slow-down is a failure; a benchmark that is missing, crashed or has no baseline is an error. What does not change
    the exit code (an inconclusive outcome, a waived or advisory failure) is skipped, with the reason, so that no
    reader of the file takes it for a pass.
    """
    cases = [_case(report, outcome) for outcome in report.outcomes] or [_nothing()]
    counts = {"tests": str(len(cases))} | {
        name: str(sum(case.find(element) is not None for case in cases)) for name, element in _COUNTED.items()
    }
    # The root has no count of what was skipped in Jenkins' schema.
    shared = {name: count for name, count in counts.items() if name != "skipped"}
    root = ElementTree.Element("testsuites", {"name": _NAME, "time": _seconds(report.seconds)} | shared)
    suite = ElementTree.SubElement(root, "testsuite", _suite(report) | counts)
    _add_properties(suite, _properties(report))
    suite.extend(cases)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(report: GateReport) -> dict[str, str]:
    return {
        "name": _NAME,
        "time": _seconds(report.seconds),
        "timestamp": datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "hostname": wording.plain(report.machine.host),
    }


def _properties(report: GateReport) -> dict[str, str]:
    return {
        "verdict": told.headline(report),
        "sides": told.sides(report),
        "processor": report.machine.processor,
        "serialprof": report.version,
        "command": told.command(report),
        "remarks": "; ".join(told.remarks(report)),
    }


def _case(report: GateReport, outcome: Outcome) -> ElementTree.Element:
    case = _new_case(outcome.benchmark.name, outcome.seconds)
    sentence = told.explained(report, outcome)
    if not told.passes(report, outcome):
        element = ElementTree.SubElement(case, _ELEMENTS[outcome.verdict], _attributes(outcome.verdict, sentence))
        element.text = wording.plain(told.measured(outcome))
    elif outcome.verdict != "pass":
        ElementTree.SubElement(case, "skipped", _attributes(told.word(outcome), sentence))
    said = "; ".join(text for text in (sentence, told.measured(outcome)) if text)
    ElementTree.SubElement(case, "system-out").text = wording.plain(said)
    return case


def _nothing() -> ElementTree.Element:
    """That nothing ran is no pass: a file without a test case would be one."""
    case = _new_case("gate", 0.0)
    ElementTree.SubElement(case, "error", _attributes("error", told.NOTHING))
    return case


def _new_case(name: str, seconds: float) -> ElementTree.Element:
    return ElementTree.Element(
        "testcase", {"classname": _CLASS, "name": wording.plain(name), "time": _seconds(seconds)}
    )


def _attributes(verdict: str, sentence: str) -> dict[str, str]:
    return {"type": verdict, "message": wording.plain(sentence)}


def _add_properties(suite: ElementTree.Element, values: Mapping[str, str]) -> None:
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in values.items():
        if value:
            ElementTree.SubElement(properties, "property", {"name": name, "value": wording.plain(value)})


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
