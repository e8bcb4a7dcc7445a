# SPDX-License-Identifier: Apache-2.0
"""Series of runs and of gates: what belongs to one, and what is said of it."""

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from serialprof.errors import StoreError
from serialprof.gating.history import Kind, history
from serialprof.gating.historyreading import Reading, machine_words, of_gate, of_run, read_file
from serialprof_reports.gate import json as rendered
from tests.gating import made
from tests.model import builder

EXAMPLE = Path(__file__).parents[2] / "docs/examples/amd-epyc-2-cores.serialprof"


def runs(
    levels: list[float], machine: str = "a machine", name: str = "lstm", noise: float = 0.01
) -> list[list[Reading]]:
    """One file per level, in seconds per step, a day apart, with noise."""
    draw = random.Random(f"{machine} {name}")
    return [
        [Reading(name, machine, 86400.0 * day, f"run-{day}", level * math.exp(draw.gauss(0, noise)))]
        for day, level in enumerate(levels)
    ]


def gates(changes: list[float], base: str = "", noise: float = 0.002, tolerance: float = 0.01) -> list[list[Reading]]:
    """Gates of five pairs, each against the commit before it, or all against one base."""
    draw = random.Random(1)
    files = []
    for index, change in enumerate(changes):
        logs = tuple(change + draw.gauss(0, noise) for _ in range(5))
        head = f"c{index + 1}"
        value = math.exp(sum(logs) / 5)
        files.append(
            [Reading("lstm", "a machine", float(index), head, value, logs, tolerance, base or f"c{index}", head)]
        )
    return files


class TestRuns:
    @pytest.fixture(autouse=True)
    def library(self) -> None:
        pytest.importorskip("ruptures")

    def test_a_step_is_a_change_between_two_stretches(self) -> None:
        (series,) = history(runs([1e-6] * 10 + [1.1e-6] * 10)).series
        assert (series.kind, series.refusal, [change.place for change in series.changes]) == ("step", "", [10])
        ratio = series.changes[0].ratio
        assert ratio.low is not None and ratio.high is not None
        assert 1.05 < ratio.low < 1.1 < ratio.high < 1.15
        before, after = series.stretches
        assert (before.first, before.last, after.first, after.last) == (0, 9, 10, 19)
        assert before.level.value == pytest.approx(1e-6, rel=0.01)
        assert before.level.unit == "s"
        assert series.p_value is not None and series.p_value <= 0.01

    def test_noise_is_one_stretch(self) -> None:
        (series,) = history(runs([1e-6] * 20)).series
        assert (len(series.stretches), series.changes) == (1, ())
        assert series.p_value is not None and series.p_value > 0.05

    def test_too_few_values_are_told_and_not_judged(self) -> None:
        (series,) = history(runs([1e-6] * 3 + [2e-6] * 3)).series
        assert series.refusal == "6 values, and from 8 on a change can be told"
        assert (series.changes, series.p_value) == ((), None)

    def test_one_value_has_a_level_without_an_interval(self) -> None:
        (series,) = history(runs([1e-6])).series
        level = series.stretches[0].level
        assert level.value is not None and level.low is None and level.reason

    def test_machines_are_not_mixed(self) -> None:
        """Two machines by turns: together they would be a jagged series, apart neither changes."""
        both = [
            file for pair in zip(runs([1e-6] * 10, "first"), runs([2e-6] * 10, "second"), strict=True) for file in pair
        ]
        found = history(both, ordered=True).series
        assert [(series.machine, len(series.moments)) for series in found] == [("first", 10), ("second", 10)]
        assert not any(series.changes for series in found)

    def test_files_are_put_by_time_unless_their_order_is_given(self) -> None:
        backwards = runs([1e-6] * 10 + [1.1e-6] * 10)[::-1]
        by_time = history(backwards).series[0]
        as_given = history(backwards, ordered=True).series[0]
        assert [moment.label for moment in by_time.moments] == [f"run-{day}" for day in range(20)]
        assert [moment.label for moment in as_given.moments] == [f"run-{day}" for day in range(20)][::-1]
        assert by_time.changes[0].ratio.value == pytest.approx(1 / as_given.changes[0].ratio.value)  # type: ignore[operator]

    def test_a_long_series_is_cut_and_says_so(self) -> None:
        (series,) = history(runs([1e-6] * 1010)).series
        assert len(series.moments) == 1000
        assert series.notes == ("the last 1000 of 1010 values are looked at",)


class TestGates:
    def kinds(self, files: list[list[Reading]]) -> list[Kind]:
        return [series.kind for series in history(files).series]

    def test_gates_of_successive_commits_are_a_chain(self) -> None:
        (series,) = history(gates([0.0, 0.08, 0.0, -0.05])).series
        assert series.kind == "chain"
        assert [moment.label for moment in series.moments] == ["c0", "c1", "c2", "c3", "c4"]
        assert [round(moment.value, 2) for moment in series.moments] == pytest.approx(
            [1.0, 1.0, 1.08, 1.08, 1.03], abs=0.01
        )
        assert [change.place for change in series.changes] == [2, 4]
        assert series.notes == ()

    def test_a_chain_says_what_it_comes_to(self) -> None:
        """Twenty times half a per cent: no link exceeds its tolerance, the whole is ten per cent."""
        (series,) = history(gates([0.005] * 20, noise=0.001)).series
        assert series.changes == ()
        assert series.whole is not None and series.whole.low is not None and series.whole.high is not None
        assert 1.09 < series.whole.low < math.exp(0.1) < series.whole.high < 1.11

    def test_a_chain_of_one_is_judged_by_its_own_pairs(self) -> None:
        (series,) = history(gates([0.08])).series
        assert [change.place for change in series.changes] == [1]

    def test_what_wanders_below_the_tolerance_is_no_change(self) -> None:
        draw = random.Random(2)
        (series,) = history(gates([draw.uniform(-0.009, 0.009) for _ in range(30)])).series
        assert series.changes == ()

    @pytest.mark.study
    def test_links_at_their_tolerance_show_a_change_in_five_per_cent_of_chains_at_most(self) -> None:
        draw = random.Random(3)
        shown = 0
        for _ in range(200):
            files = gates([0.0] * 20)
            logs = [tuple(math.log1p(0.01) + draw.gauss(0, 0.005) for _ in range(5)) for _ in files]
            chain = [[replace(file[0], logs=each)] for file, each in zip(files, logs, strict=True)]
            shown += bool(history(chain).series[0].changes)
        assert shown <= 18  # of a rate of 5 % not more are seen in 99.5 % of studies

    def test_a_missing_link_is_named(self) -> None:
        files = gates([0.0, 0.0, 0.0, 0.0])
        (series,) = history(files[:1] + files[2:]).series
        assert series.notes == ("no gate links c1 and c2: changes there are not seen",)

    def test_a_gate_that_was_repeated_counts_once(self) -> None:
        files = gates([0.0, 0.08, 0.0])
        (series,) = history([*files[:2], [replace(files[1][0], started=1.5)], files[2]]).series
        assert len(series.moments) == 4
        assert series.whole is not None and series.whole.value == pytest.approx(1.083, abs=0.005)
        assert series.notes == ("of gates of the same two commits the last one counts: 1 left out",)

    def test_gates_of_one_base_are_a_series_of_ratios(self) -> None:
        pytest.importorskip("ruptures")
        (series,) = history(gates([0.0] * 8 + [0.07] * 8, base="v1")).series
        assert series.kind == "ratio"
        assert [change.place for change in series.changes] == [8]
        assert series.whole is None

    def test_gates_and_runs_of_one_name_are_two_series(self) -> None:
        assert self.kinds([*gates([0.0]), *runs([1e-6])]) == ["chain", "step"]


def test_what_is_taken_of_a_gate() -> None:
    found = {reading.name: reading for reading in of_gate(made.failing(), "gate.json")}
    assert set(found) == {"lstm", "life", "loop", "noisy", "decode"}
    lstm = found["lstm"]
    assert (lstm.label, lstm.base, lstm.head) == ("6f5e4d3c2b1a", "1a2b3c4d5e6f", "6f5e4d3c2b1a")
    assert lstm.value == pytest.approx(1.05, abs=0.002)
    assert len(lstm.logs) == 5


def test_what_was_not_paired_is_not_taken() -> None:
    assert of_gate(made.stored(), "gate.json") == ()


def test_a_gate_without_commits_is_known_by_its_file() -> None:
    bare = replace(made.passing(), head=made.SideFacts("head", "", "3.12.4"))
    assert {reading.label for reading in of_gate(bare, "gate.json")} == {"gate.json"}


def test_what_is_taken_of_a_run_is_the_serial_form() -> None:
    run = builder.run(lambda width, threads, form: 1e-6 * width * (2 if form == "wide" else 1), (1, 4), (1, 2))
    found = {reading.name: reading.value for reading in of_run(run, "a.serialprof")}
    assert len(found) == 4
    assert next(value for name, value in found.items() if "W = 4, 2 threads" in name) == pytest.approx(4e-6, rel=0.05)


def test_machines_that_differ_have_other_words() -> None:
    known = machine_words(made.MACHINE)
    assert known == "AMD EPYC 9V74 80-Core Processor, 2 cores, 8 GiB, kvm, avx512"
    for change in ({"processor": "another"}, {"cpus": (0,)}, {"memory": 16 * 2**30}, {"hypervisor": ""}):
        assert machine_words(replace(made.MACHINE, **change)) != known  # type: ignore[arg-type]
    assert machine_words(replace(made.MACHINE, host="runner-8", memory=8 * 2**30 - 40_000_000)) == known


def test_files_are_known_by_what_they_hold(tmp_path: Path) -> None:
    gate = tmp_path / "a gate"
    gate.write_text(rendered(made.passing()))
    assert {reading.is_gate for reading in read_file(gate)} == {True}
    assert {reading.is_gate for reading in read_file(EXAMPLE)} == {False}


@pytest.mark.parametrize("content", [b"", b"{}", b"SQLite format 3\0 and no more"])
def test_a_file_that_is_neither_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.file"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"some\.file"):
        read_file(path)
    with pytest.raises(StoreError, match="cannot read"):
        read_file(tmp_path / "none")
