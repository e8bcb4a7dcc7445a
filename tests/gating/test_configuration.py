# SPDX-License-Identifier: Apache-2.0
"""What a repository says about its gate, and what is said where that is not understood."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from serialprof.errors import UsageError
from serialprof.estimate import Estimate
from serialprof.gating.configuration import Configuration, Waiver, checked, read_configuration
from serialprof.gating.expecting import missing, waived
from serialprof.gating.records import Benchmark, Criteria, Judgement, Outcome

TABLE = """
[tool.serialprof.gate]
tolerance = "2%"
least-difference = "20ns"
install = "pip install ."
layout-floor = true
removed = ["old"]

[[tool.serialprof.gate.benchmark]]
run = "bench/steps.py:decode"
width = 4
parameters = { hidden = 64, kind = "gru" }

[[tool.serialprof.gate.benchmark]]
run = "chain"
name = "native chain"
mde = "10%"

[[tool.serialprof.gate.waiver]]
benchmark = "decode"
ceiling = "8%"
expires = 2026-12-31
reason = "the new scheduler; see #12"
"""


def written(folder: Path, text: str, name: str = "pyproject.toml") -> Path:
    (folder / name).write_text(text)
    return folder


def test_a_table_is_read_whole(tmp_path: Path) -> None:
    found = read_configuration(written(tmp_path, TABLE))
    decode, chain = found.benchmarks
    assert decode == Benchmark(
        "decode",
        "bench/steps.py:decode",
        width=4,
        parameters={"hidden": 64, "kind": "gru"},
        criteria=Criteria(0.02, 0.03, 20e-9),
    )
    assert chain.name == "native chain"
    assert chain.criteria == Criteria(0.02, 0.10, 20e-9)
    assert found.waivers == (Waiver("decode", 0.08, date(2026, 12, 31), "the new scheduler; see #12"),)
    assert found.removed == ("old",)
    assert found.install == "pip install ."
    assert found.layouts


def test_a_ceiling_may_be_more_than_twice_as_slow(tmp_path: Path) -> None:
    found = read_configuration(written(tmp_path, TABLE.replace('"8%"', '"250%"')))
    assert found.waivers[0].ceiling == 2.5


def test_a_file_of_its_own_has_the_table_without_its_prefix(tmp_path: Path) -> None:
    own = written(tmp_path, '[gate]\n[[gate.benchmark]]\nrun = "chain"\n', "serialprof.toml")
    assert [item.name for item in read_configuration(own).benchmarks] == ["chain"]


def test_nothing_said_is_nothing_expected(tmp_path: Path) -> None:
    assert read_configuration(tmp_path) == Configuration()
    assert read_configuration(written(tmp_path, "[tool.other]\n")) == Configuration()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('tolerence = "1%"', "no key 'tolerence'; did you mean 'tolerance'?"),
        ('tolerance = "1x"', "'1x' is no share"),
        ('tolerance = "5%"\n[[tool.serialprof.gate.benchmark]]\nrun = "chain"', "not below an mde"),
        ("tolerance = 1", "Expected `str`, got `int`"),
        ('[[tool.serialprof.gate.benchmark]]\nname = "x"', "missing required field `run`"),
        ('[[tool.serialprof.gate.benchmark]]\nrun = "chain"\n' * 2, "two benchmarks are called 'chain'"),
        (
            (
                '[[tool.serialprof.gate.benchmark]]\nrun = "chain"\n'
                '[[tool.serialprof.gate.waiver]]\nbenchmark = "chian"\n'
                'ceiling = "8%"\nexpires = 2026-12-31\nreason = "x"'
            ),
            "did you mean 'chain'?",
        ),
        (
            (
                '[[tool.serialprof.gate.benchmark]]\nrun = "chain"\n'
                '[[tool.serialprof.gate.waiver]]\nbenchmark = "chain"\n'
                'ceiling = "8%"\nexpires = 2026-12-31\nreason = " "'
            ),
            "has no reason",
        ),
        ("= 3", "cannot be read"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_configuration(written(tmp_path, f"[tool.serialprof.gate]\n{text}\n"))
    assert words in str(refused.value)
    assert "pyproject.toml" in str(refused.value)


def test_two_places_are_one_too_many(tmp_path: Path) -> None:
    written(tmp_path, TABLE)
    written(tmp_path, '[gate]\ntolerance = "1%"\n', "serialprof.toml")
    with pytest.raises(UsageError, match="both configure"):
        read_configuration(tmp_path)


def test_a_tolerance_needs_room_below_the_mde() -> None:
    assert checked(Criteria(0.01, 0.02)) == Criteria(0.01, 0.02)
    with pytest.raises(UsageError, match="leave room"):
        checked(Criteria(0.03, 0.03))


def test_what_the_base_expects_is_missed_by_name() -> None:
    base = Configuration(benchmarks=tuple(Benchmark(name, name) for name in ("decode", "lstm", "old")))
    head = Configuration(benchmarks=(Benchmark("lstm", "lstm"),), removed=("old",))
    (found,) = missing(base, head)
    assert found.verdict == "error"
    assert found.sentence.startswith("decode: the base expects it")


def failed(ratio: float) -> Outcome:
    estimate = Estimate(ratio, ratio - 0.01, ratio + 0.01)
    judgement = Judgement("fail", estimate, Estimate(1.0), False, 0.001, 0.01, 0.03, (), ())
    return Outcome(Benchmark("decode", "decode"), "fail", "decode: slower", judgement=judgement)


@pytest.mark.parametrize(
    ("ratio", "today", "waiver", "words"),
    [
        (1.05, date(2026, 12, 31), "waived until 2026-12-31: known", ""),
        (1.05, date(2027, 1, 1), "", "expired on 2026-12-31"),
        (1.09, date(2026, 12, 1), "", "ends at 8 %"),
    ],
)
def test_a_waiver_has_a_ceiling_and_an_end(ratio: float, today: date, waiver: str, words: str) -> None:
    waivers = [Waiver("decode", 0.08, date(2026, 12, 31), "known")]
    (found,) = waived([failed(ratio)], waivers, today)
    assert found.verdict == "fail"
    assert found.waiver == waiver
    assert words in found.sentence


def test_a_ceiling_holds_for_every_metric_that_failed() -> None:
    judgement = failed(1.0).judgement
    assert judgement is not None
    memory = replace(judgement, ratio=Estimate(1.5, 1.4, 1.6))
    outcome = replace(failed(1.0), judgement=replace(judgement, verdict="pass"), others={"memory": memory})
    waivers = [Waiver("decode", 0.08, date(2026, 12, 31), "known")]
    assert waived([outcome], waivers, date(2026, 12, 1))[0].waiver == ""
    assert waived([outcome], [replace(waivers[0], ceiling=0.6)], date(2026, 12, 1))[0].waiver


def test_a_waiver_of_another_benchmark_does_nothing() -> None:
    assert waived([failed(1.05)], [Waiver("lstm", 0.08, date(2026, 12, 31), "x")], date(2026, 1, 1)) == (failed(1.05),)
