# SPDX-License-Identifier: Apache-2.0
"""JUnit XML of a gate, held to the schema beside this file; what counts as failed there."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from serialprof.gating.records import GateReport
from serialprof_reports.gatejunit import junit
from tests.gating import made

SCHEMA = xmlschema.XMLSchema11(Path(__file__).with_name("junit.xsd"))


def parsed(report: GateReport) -> ElementTree.Element:
    text = junit(report)
    SCHEMA.validate(text)
    return ElementTree.fromstring(text.encode())


def ends(report: GateReport) -> dict[str, str]:
    """How every case ends, by its name; empty for a pass."""
    return {
        case.attrib["name"]: next((child.tag for child in case if child.tag != "system-out"), "")
        for case in parsed(report).iter("testcase")
    }


def test_every_verdict_ends_in_its_own_way() -> None:
    assert ends(made.failing()) == {
        "lstm": "failure",
        "life": "",
        "loop": "skipped",
        "noisy": "skipped",
        "decode": "skipped",
        "renamed": "error",
        "crash": "error",
    }


def test_counts_are_those_of_the_cases() -> None:
    root = parsed(made.failing())
    suite = root.find("testsuite")
    assert suite is not None
    counted = {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {"tests": "7", "failures": "1", "errors": "2", "skipped": "3"}
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("7", "1", "2")


def test_what_is_inconclusive_fails_where_it_is_asked_to() -> None:
    loose, strict = (
        made.report(made.outcome("loop", made.pairs(0.02, 16, spread=0.03)), strict=each) for each in (0, 1)
    )
    assert (ends(loose), ends(strict)) == ({"loop": "skipped"}, {"loop": "failure"})


def test_an_advisory_failure_is_skipped_with_its_reason() -> None:
    report = made.report(made.outcome("lstm", made.pairs(0.05)), advisory="a stored baseline")
    assert ends(report) == {"lstm": "skipped"}
    skipped = parsed(report).find(".//skipped")
    assert skipped is not None
    assert skipped.attrib["message"].endswith("advisory: a stored baseline")


def test_a_gate_in_which_nothing_ran_has_an_error() -> None:
    assert ends(made.report()) == {"gate": "error"}


def test_the_failure_has_its_numbers_and_the_suite_its_command() -> None:
    root = parsed(made.report(made.outcome("lstm", made.pairs(0.05))))
    failure = root.find(".//failure")
    assert failure is not None and failure.text is not None
    assert failure.attrib["message"].startswith("lstm: +5.1 % [+4.8 %, +5.2 %] over 5 pairs")
    assert failure.text.startswith("base against itself")
    properties = {item.attrib["name"]: item.attrib["value"] for item in root.iter("property")}
    assert properties["command"] == "serialprof gate --base-ref origin/main --install 'pip install .'"


@pytest.mark.parametrize("report", [made.passing(), made.failing(), made.hostile(), made.report(), made.stored()])
def test_reports_keep_to_the_schema_and_hold_no_character_that_xml_forbids(report: GateReport) -> None:
    root = parsed(report)
    texts = [text for item in root.iter() for text in (*item.attrib.values(), item.text or "")]
    assert not any(character in text for text in texts for character in "\x00\x1b\ufffe")


def test_the_schema_refuses_what_it_should() -> None:
    text = junit(made.failing())
    for old, new in (('errors="2"', 'errors="two"'), ('type="fail" ', ""), ('name="lstm" ', ""), ("6.250", "-1")):
        assert old in text
        assert not SCHEMA.is_valid(text.replace(old, new))
