# SPDX-License-Identifier: Apache-2.0
"""Stored baselines: their statistics by hand, their files in every bad state, a head compared with made processes."""

import json
import math
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serialprof.catalog import Description
from serialprof.errors import BaselineError, ExitCode, StoreError, WorkloadError
from serialprof.gating import baselining
from serialprof.gating.baseline import Baseline, Entry, read, write
from serialprof.gating.baselining import ADVISORY, Comparison, compare, save
from serialprof.gating.contest import RefusedBenchmarkError, Side
from serialprof.gating.contestants import BenchmarkFailedError
from serialprof.gating.fingerprint import Fingerprint, differences, fingerprint, moved
from serialprof.gating.pairing import Pace
from serialprof.gating.records import Benchmark, Criteria, GateReport, SideFacts, Unpaired
from serialprof.gating.welch import half_width, judge_unpaired, p_at_most
from serialprof.machine.reading import read_machine
from serialprof.measure.yardsticks import Yardsticks
from serialprof.setting import Setting
from tests.gating.made import MACHINE

STICKS = Yardsticks(chain=1e-9, chase=1e-7, throughput=1e-11, clock=3e9)
LEVELS = (1.000, 1.002, 0.998, 1.001, 0.999)
SIDE = Side("head", sys.executable, Path())


def processes(scale: float = 1.0, levels: tuple[float, ...] = LEVELS) -> tuple[tuple[float, ...], ...]:
    return tuple((1e-6 * scale * level,) * 4 for level in levels)


def entry(name: str = "steps", **parameters: int) -> Entry:
    setting = Setting(width=2, depth=8, cpus=(0,), parameters={"hidden": 64, **parameters})
    return Entry(Benchmark(name, name), "abc", 16, Pace(setting, 3, 4e-4, 2), processes(), (STICKS,) * 5)


def baseline(*entries: Entry) -> Baseline:
    facts = SideFacts("base", "1a2b3c", "3.12.4")
    return Baseline(entries or (entry(),), fingerprint(MACHINE, [STICKS]), MACHINE, facts, 1_780_000_000.0, "0.1.0")


class Fakes:
    """A head that is as slow, and a machine that is as fast, as a test wants it; nothing is timed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.scale, self.sticks, self.code, self.setting = 1.0, STICKS, "abc", entry().pace.setting
        self.asked: list[Pace] = []
        self.refusal = self.flaw = ""
        levels = iter(LEVELS * 100)
        patch.setattr(baselining, "describe", lambda *_: self.described())
        patch.setattr(baselining, "setting_of", lambda *_: replace(self.setting, depth=16))
        patch.setattr(baselining, "preflight", lambda *_: self.look())
        patch.setattr(baselining, "probe_yardsticks", lambda cpus: self.sticks)
        patch.setattr(baselining, "pace", lambda setting, contestant: Pace(self.setting, 3, 4e-4, 2))
        patch.setattr(baselining, "time_process", lambda _, paced, draw: self.timed(paced, next(levels)))

    def described(self) -> tuple[Description, str]:
        if self.refusal:
            raise RefusedBenchmarkError("error", self.refusal)
        return Description("steps", "steps"), self.code

    def look(self) -> None:
        if self.flaw:
            raise BenchmarkFailedError("head", self.flaw)

    def timed(self, paced: Pace, level: float) -> tuple[float, ...]:
        self.asked.append(paced)
        return (1e-6 * self.scale * level,) * 4


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    return Fakes(monkeypatch)


def compared(stored: Baseline, *benchmarks: Benchmark, **options: Any) -> Comparison:
    return compare(stored, benchmarks or (Benchmark("steps", "steps"),), SIDE, MACHINE, processes=5, **options)


def test_welch_by_hand() -> None:
    # Variances 2.5 and 10 of five values each: error sqrt(0.5 + 2), freedom 2.5^2 / (0.5^2 / 4 + 2^2 / 4) = 5.88, and
    # t(0.975; 5.88) = 2.459 between those of 5 (2.571) and of 6 (2.447).
    bases, heads = [1.0, 2, 3, 4, 5], [2.0, 4, 6, 8, 10]
    assert half_width(bases, heads, 0.025) == pytest.approx(2.459 * math.sqrt(2.5), abs=0.003)
    assert p_at_most(bases, heads, 3 - half_width(bases, heads, 0.025)) == pytest.approx(0.025)
    assert p_at_most(bases, heads, 3.0) == pytest.approx(0.5)


def test_equal_processes_decide_by_themselves() -> None:
    assert half_width([1.0] * 5, [1.1] * 5, 0.025) == 0
    assert p_at_most([1.0] * 5, [1.1] * 5, 0.05) == 0
    assert p_at_most([1.0] * 5, [1.1] * 5, 0.2) == 1


@pytest.mark.parametrize(
    ("scale", "levels", "verdict"),
    [
        (1.05, LEVELS, "pass"),
        (1.20, LEVELS, "fail"),
        (0.80, LEVELS, "pass"),
        (1.10, (0.9, 1.1, 0.95, 1.05, 1.0), "inconclusive"),
    ],
)
def test_a_tenth_is_let_through(scale: float, levels: tuple[float, ...], verdict: str) -> None:
    found = judge_unpaired(Unpaired(processes(), processes(scale, levels)), Criteria(), 0.10)
    assert found.verdict == verdict
    assert found.tolerance == found.mde == 0.10
    assert found.ratio.value == pytest.approx(scale, rel=0.01)
    assert found.null_logs == ()
    assert not found.null.identified


def test_what_is_barred_is_told_and_not_judged() -> None:
    found = judge_unpaired(Unpaired(processes(), processes(1.5)), Criteria(), 0.10, "why not")
    assert found.verdict == "inconclusive"
    assert found.barred == "why not"
    assert found.ratio.value == pytest.approx(1.5)


def test_a_larger_tolerance_stands() -> None:
    samples = Unpaired(processes(), processes(1.2))
    assert judge_unpaired(samples, Criteria(0.30, 0.40), 0.10).verdict == "pass"
    assert judge_unpaired(samples, Criteria(least_seconds=0.5e-6), 0.10).verdict == "pass"


def test_the_samples_of_a_process_are_one_value() -> None:
    """A burst in some of its samples is no slower process, and a thousand samples are no thousand units."""
    burst = tuple((1e-6, 1e-6, 1e-6, 9e-6, 9e-6) for _ in range(5))
    assert judge_unpaired(Unpaired(processes(), burst), Criteria(), 0.1).ratio.value == pytest.approx(1, rel=0.01)
    many = tuple(process * 250 for process in processes(1.05, (0.9, 1.1, 0.95, 1.05, 1.0)))
    few = processes(1.05, (0.9, 1.1, 0.95, 1.05, 1.0))
    bounds = [judge_unpaired(Unpaired(processes(), side), Criteria(), 0.1).ratio for side in (many, few)]
    assert bounds[0] == bounds[1]


@pytest.mark.study
def test_false_verdicts_are_as_rare_as_they_say() -> None:
    """Seven noisy processes against five quieter ones, at a slow-down of just the tolerance of 10 %."""
    rng, trials = random.Random(8), 2000
    verdicts = Counter(
        judge_unpaired(
            Unpaired(
                tuple((math.exp(rng.gauss(0, 0.01)),) for _ in range(5)),
                tuple((1.1 * math.exp(rng.gauss(0, 0.04)),) for _ in range(7)),
            ),
            Criteria(),
            0.10,
        ).verdict
        for _ in range(trials)
    )
    for verdict, error in (("fail", 0.025), ("pass", 0.05)):
        slack = 2.6 * math.sqrt(error * (1 - error) * trials)
        assert abs(verdicts[verdict] - error * trials) <= slack + 0.1 * error * trials


def marked(clock: float | None) -> Fingerprint:
    return fingerprint(MACHINE, [replace(STICKS, clock=clock)] * 5)


def test_a_clock_at_the_edge_of_a_bucket_is_the_same() -> None:
    edge = 1.05**450
    assert marked(edge * 1.001).bucket == 450
    assert marked(edge * 0.999).bucket == 449
    assert differences(marked(edge * 1.001), marked(edge * 0.999)) == ()
    (told,) = differences(marked(3e9), marked(3.4e9))
    assert told == "clock 3.40 GHz, 3.00 GHz in the baseline"


def test_a_clock_that_was_not_measured_is_no_known_one() -> None:
    assert differences(marked(None), marked(None)) == ()
    assert differences(marked(3e9), marked(None)) == ("clock not measured, 3.00 GHz in the baseline",)


def test_what_differs_is_named() -> None:
    now = fingerprint(replace(MACHINE, processor="Other", cpus=(0, 1, 2, 3), clock_governor="powersave"), [STICKS])
    assert differences(marked(3e9), now) == (
        f"processor Other, {MACHINE.processor} in the baseline",
        "CPUs 4, 2 in the baseline",
        "governor powersave, none in the baseline",
    )


def test_a_yardstick_that_moved_is_said() -> None:
    then = [STICKS] * 5
    now = [replace(STICKS, chain=1.23e-9, throughput=0.8e-11)] * 4 + [replace(STICKS, chain=9e-9, chase=9e-7)]
    assert moved(then, now, 0.10) == (
        "this machine is 23 % slower than it was by its dependent chain",
        "this machine is 20 % faster than it was by its throughput",
    )
    assert moved(then, now, 0.30) == ()


def test_a_baseline_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    write(path, baseline(entry(), entry("others", layers=2)))
    assert read(path) == baseline(entry(), entry("others", layers=2))
    assert json.loads(path.read_text())["schema"] == {"name": "serialprof.baseline", "version": 1}


def test_a_baseline_is_never_silently_replaced(tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    write(path, baseline())
    write(tmp_path / "new.json", baseline(), replace=True)
    (tmp_path / "new.json").unlink()
    other = baseline(entry("others"))
    with pytest.raises(StoreError, match="exists"):
        write(path, other)
    assert read(path) == baseline()
    write(path, other, replace=True)
    assert read(path) == other
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "[project]", '{"schema": {"name": "another"}}', "[1]"])
def test_what_is_no_baseline_is_not_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(content)
    with pytest.raises(BaselineError):
        write(path, baseline(), replace=True)
    assert path.read_text() == content


def stored(path: Path) -> dict[str, Any]:
    write(path, baseline())
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_missing_a_foreign_and_a_newer_file_say_so(tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    with pytest.raises(BaselineError, match="cannot be read: No such file") as missing:
        read(path)
    assert missing.value.exit_code == ExitCode.NO_BASELINE
    document = stored(path)
    path.write_text(json.dumps({**document, "schema": {"name": "serialprof.gate", "version": 1}}))
    with pytest.raises(BaselineError, match="is no baseline"):
        read(path)
    path.write_text(json.dumps({**document, "schema": {"name": "serialprof.baseline", "version": 2}}))
    with pytest.raises(BaselineError, match="version 2, and this serialprof reads 1"):
        read(path)


def test_half_a_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    stored(path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"\xff\xfe", b"[" * 100_000, whole.replace(b"e-6", b"e-6x", 1)):
        path.write_bytes(content)
        with pytest.raises(BaselineError, match="damaged"):
            read(path)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("processes", [[1e-6]] * 4, "fewer than 5 processes"),
        ("processes", [[1e-6]] * 4 + [[]], "times that are none"),
        ("processes", [[1e-6]] * 4 + [[-1.0]], "times that are none"),
        ("processes", [[1e-6]] * 4 + [["1"]], r"Expected `float`.*processes"),
        ("yardsticks", [{"chain": 1e-9, "chase": 1e-7, "throughput": 0, "clock": None}] * 5, "times that are none"),
        ("yardsticks", [{"chain": 1e-9, "chase": 1e-7, "throughput": 1e-11, "clock": None}], "with their yardsticks"),
        ("pace", None, "Expected `object`"),
        ("depth", 0, "pace that is none"),
    ],
)
def test_what_cannot_have_been_measured_is_damaged(tmp_path: Path, key: str, value: object, words: str) -> None:
    path = tmp_path / "base.json"
    document = stored(path)
    document["entries"][0][key] = value
    path.write_text(json.dumps(document))
    with pytest.raises(BaselineError, match=words):
        read(path)


def test_nothing_or_one_name_twice_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    document = stored(path)
    for entries in ([], document["entries"] * 2):
        path.write_text(json.dumps({**document, "entries": entries}))
        with pytest.raises(BaselineError, match="is in it"):
            read(path)


def test_a_slower_head_is_advice_unless_that_counts(fakes: Fakes) -> None:
    fakes.scale = 1.2
    found = compared(baseline())
    (outcome,) = found.outcomes
    assert outcome.verdict == "fail"
    assert outcome.sentence.startswith("steps: +20.0 % [")
    assert "over 5 processes, against a stored baseline; slower than the tolerance of 10 %" in outcome.sentence
    assert outcome.unpaired is not None
    assert outcome.unpaired.base == processes()
    assert found.advisory == ADVISORY
    assert exit_code(found) == ExitCode.OK
    assert exit_code(compared(baseline(), enforce=True)) == ExitCode.REGRESSION


def exit_code(found: Comparison) -> ExitCode:
    facts = SideFacts("base", "", "")
    return GateReport(found.outcomes, facts, facts, MACHINE, 0.0, 0.0, "", (), advisory=found.advisory).exit_code


def test_the_head_is_sampled_as_the_baseline_was(fakes: Fakes) -> None:
    fakes.setting = replace(fakes.setting, cpus=(1,))
    (outcome,) = compared(baseline()).outcomes
    assert outcome.verdict == "pass"
    assert fakes.asked == [replace(entry().pace, setting=replace(entry().pace.setting, cpus=(1,)))] * 5


def test_another_machine_has_ratios_and_no_verdict(fakes: Fakes) -> None:
    for scale in (1.0, 1.5):
        fakes.scale = scale
        old = replace(baseline(), fingerprint=replace(marked(3e9), processor="Older"))
        fakes.sticks = replace(STICKS, chain=1.3e-9)
        found = compared(old, enforce=True)
        assert not found.warnings
        (outcome,) = found.outcomes
        assert outcome.verdict == "inconclusive"
        assert f"inconclusive: another machine: processor {MACHINE.processor}, Older in the" in outcome.sentence
        assert outcome.judgement is not None
        assert outcome.judgement.ratio.value == pytest.approx(scale, rel=1e-3)


@pytest.mark.parametrize(
    ("chain", "scale", "verdict"),
    [
        (1.3, 1.3, "inconclusive"),  # as much slower as the machine is
        (1.3, 1.35, "inconclusive"),
        (1.3, 1.0, "inconclusive"),
        (0.77, 1.35, "inconclusive"),  # a machine that moved that way may move back
        (1.3, 1.5, "fail"),  # more than 1.3 * 1.1
        (0.77, 1.5, "fail"),
        (1.3, 0.8, "pass"),  # less than 1.1 / 1.3
        (1.3, 0.86, "inconclusive"),
    ],
)
def test_where_a_yardstick_moved_only_what_exceeds_it_is_told(
    fakes: Fakes, chain: float, scale: float, verdict: str
) -> None:
    fakes.scale, fakes.sticks = scale, replace(STICKS, chain=chain * STICKS.chain)
    found = compared(baseline(), enforce=True)
    (outcome,) = found.outcomes
    way = "30 % slower" if chain > 1 else "23 % faster"
    said = f"this machine is {way} than it was by its dependent chain"
    assert outcome.verdict == verdict
    assert outcome.sentence.endswith(said) == (verdict == "inconclusive")
    assert found.warnings == (f"steps: {said}, so only what exceeds that by the tolerance is told",)
    if verdict == "fail":
        assert f"slower than the tolerance of {'43 %' if chain > 1 else '42.9 %'}" in outcome.sentence
        assert exit_code(found) == ExitCode.REGRESSION
        assert exit_code(compared(baseline())) == ExitCode.OK


def test_what_cannot_be_timed_is_named(fakes: Fakes) -> None:
    fakes.flaw = "its steps print"
    (outcome,) = compared(baseline()).outcomes
    assert (outcome.verdict, outcome.sentence) == ("error", "steps: head: its steps print")
    with pytest.raises(WorkloadError, match="steps: its steps print"):
        save([Benchmark("steps", "steps")], SIDE, MACHINE)
    assert not fakes.asked


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 4}, "width 2 in the baseline, 4 now"),
        ({"parameters": {"hidden": 128}}, "hidden 64 in the baseline, 128 now"),
        ({"parameters": {"hidden": 64, "layers": 2}}, "layers absent in the baseline, 2 now"),
        ({"mode": "eager"}, "mode native in the baseline, eager now"),
    ],
)
def test_another_setting_is_no_baseline(fakes: Fakes, change: dict[str, Any], words: str) -> None:
    fakes.setting = replace(fakes.setting, **change)
    found = compared(baseline())
    assert found.outcomes[0].verdict == "no baseline"
    assert words in found.outcomes[0].sentence
    assert not fakes.asked
    assert exit_code(found) == ExitCode.NO_BASELINE


def test_another_depth_is_no_baseline(fakes: Fakes) -> None:
    (outcome,) = compared(baseline(replace(entry(), depth=32))).outcomes
    assert outcome.verdict == "no baseline"
    assert "depth 32 in the baseline, 16 now" in outcome.sentence


def test_a_benchmark_that_was_not_saved_is_no_baseline(fakes: Fakes) -> None:
    found = compared(baseline(), Benchmark("steps", "steps"), Benchmark("new", "new"), Benchmark("steps", "moved"))
    assert [outcome.verdict for outcome in found.outcomes] == ["pass", "no baseline", "no baseline"]
    assert "does not have it, but steps" in found.outcomes[1].sentence
    assert "of steps, and this is moved" in found.outcomes[2].sentence


def test_an_edited_workload_is_a_warning(fakes: Fakes) -> None:
    assert compared(baseline()).warnings == ()
    fakes.code = "def"
    found = compared(baseline())
    assert found.outcomes[0].verdict == "pass"
    assert "steps: the file that it is written in has changed" in found.warnings[0]


def test_a_head_that_does_not_run_is_an_error(fakes: Fakes) -> None:
    fakes.refusal = "head has no file mine.py"
    assert compared(baseline()).outcomes[0].verdict == "error"
    with pytest.raises(WorkloadError, match="steps: head has no file"):
        save([Benchmark("steps", "steps")], SIDE, MACHINE)


def test_further_metrics_are_left_out_and_named(fakes: Fakes) -> None:
    found = compared(baseline(), Benchmark("steps", "steps", metrics=("step", "memory")))
    assert [outcome.verdict for outcome in found.outcomes] == ["pass"]
    assert "steps: memory of a stored baseline is not known, and not compared" in found.warnings


def test_what_is_saved_can_be_compared(tmp_path: Path) -> None:
    """Real workers and yardsticks; whatever they measure, it is stored, found again, and judged."""
    (tmp_path / "mine.py").write_text("def work(setting):\n    return lambda: sum(range(200))\n")
    machine, side = read_machine(), Side("head", sys.executable, tmp_path, commit="1a2b3c")
    benchmark = Benchmark("work", "mine.py:work", depth=16, width=1)
    saved = save([benchmark], side, machine, processes=5)
    write(tmp_path / "base.json", saved)
    found = compare(read(tmp_path / "base.json"), [benchmark], side, machine, processes=2)
    (outcome,) = found.outcomes
    assert outcome.judgement is not None
    assert outcome.unpaired == Unpaired(saved.entries[0].processes, outcome.unpaired.head)
    assert len(outcome.unpaired.head) == 2
    assert not any("file" in text for text in found.warnings)  # of the machine there may be some
    assert saved.side.commit == "1a2b3c"
    assert saved.entries[0].code
