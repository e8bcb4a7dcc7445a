# SPDX-License-Identifier: Apache-2.0
"""benchmarks/gate.py: which cell is next, what is kept, how rates and goals are judged, what peers say."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gate_tools import gated, making, peers
from benchmarks.gate_tools.cells import KINDS, PLANTED, SERIALPROF, TOOLS, Cell, Record, cells, least_filled
from benchmarks.gate_tools.keeping import Gates, codes
from benchmarks.gate_tools.making import Maker
from benchmarks.gate_tools.scoring import computed, goals, percent, rows
from serialprof.gating.contest import Contest
from serialprof.gating.contestants import Contestant
from serialprof.gating.pairing import Pace
from serialprof.gating.records import Benchmark, Pair
from serialprof.gating.running import Effort
from serialprof.setting import Setting
from tests import made


def gate(verdict: str = "pass", planted: float = 0.0, kind: str = "native", **more: Any) -> Record:
    record = {"tool": SERIALPROF, "kind": kind, "condition": "quiet", "planted": planted, "code": "a", "load": 0.5}
    return {**record, "verdict": verdict, "ratio": 1 + planted, "seconds": 8.0, "logs": [0.0, 0.01], **more}


def state(records: list[Record], asked: str) -> str:
    (goal,) = [goal for goal in goals(records) if goal.asked.startswith(asked)]
    return goal.state


def test_the_least_filled_cell_is_next() -> None:
    every = cells(TOOLS, KINDS, ["quiet"], PLANTED)
    done: list[Record] = []
    for cell in every:  # an empty cell comes before every other
        assert least_filled(every, done) == cell
        done.append(cell.place)
    null, peer = Cell(SERIALPROF, "native", "quiet", 0.0), Cell("asv", "native", "quiet", 0.0)
    assert null.wanted > 2 * peer.wanted
    assert least_filled([peer, null], [null.place, null.place, peer.place]) == null


def test_600_gates_of_a_a_and_299_at_5_percent_are_asked_for() -> None:
    own = cells([SERIALPROF], KINDS, ["quiet", "neighbour"], PLANTED)
    assert sum(cell.wanted for cell in own if cell.planted == 0) >= 600
    assert sum(cell.wanted for cell in own if cell.planted == 0.05 and cell.kind != "memory") >= 299


def test_a_gate_is_kept_at_once_and_half_a_line_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "gates.jsonl"
    kept = Gates(file)
    kept.add(gate())
    kept.add(gate(code="b"))
    with file.open("a") as opened:
        opened.write('{"tool": "seria')
    again = Gates(file)
    assert again.records == kept.records
    again.add(gate())
    assert len([json.loads(line) for line in file.read_text().splitlines()]) == 3
    assert len(again.under({SERIALPROF: "a"})) == 2
    assert len(again.under(None)) == 3


def test_a_tool_that_is_not_there_has_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "version", {"asv": "1", "pyperf": ""}.__getitem__)
    first = codes(["asv", "pyperf", SERIALPROF])
    assert first["pyperf"] == "" and first[SERIALPROF] != first["asv"] != ""
    monkeypatch.setattr(peers, "version", {"asv": "2"}.__getitem__)
    assert codes(["asv"])["asv"] != first["asv"]


def test_no_alarm_in_600_gates_is_shown_by_598() -> None:
    assert state([gate()] * 598, "A/A") == "met"
    assert state([gate()] * 597, "A/A") == "not enough gates"
    assert state([*[gate()] * 597, *[gate("fail")] * 8], "A/A") == "missed"


def test_powers_are_shown_by_their_lower_bounds() -> None:
    caught = [gate("fail", 0.03, kind) for kind in ("native", "numpy", "torch") for _ in range(20)]
    assert state(caught, "+3 % that fails, at least 95 %: native, numpy, torch") == "met"
    assert state(caught, "+3 % that fails, at least 95 %: numpy") == "not enough gates"
    memory = [gate("pass", 0.03, "memory")] * 60
    assert state(caught + memory, "+3 % that fails, at least 95 %: native, numpy, torch") == "met"
    assert state([gate("pass", 0.05)] * 5, "+5 % that fails, at least 99 %: native, numpy, torch") == "missed"


def test_between_tolerance_and_mde_a_gate_may_leave_it_open() -> None:
    assert state([*[gate()] * 149, *[gate("inconclusive", 0.02)] * 50], "inconclusive, quiet") == "met"
    assert state([gate("inconclusive", 0.03)] * 10, "inconclusive, quiet") == "missed"


def test_19_of_20_gates_have_to_be_in_time() -> None:
    quick, slow = gate(seconds=14.0), gate(seconds=40.0)
    assert state([quick] * 19, "seconds of a gate, native") == "not enough gates"
    assert state([quick] * 39 + [slow], "seconds of a gate, native") == "met"
    assert state([quick] * 30 + [slow] * 10, "seconds of a gate, native") == "missed"


def test_gates_that_were_not_made_are_counted_apart() -> None:
    broken = {**Cell(SERIALPROF, "native", "quiet", 0.0).place, "load": 3.5, "error": "no more"}
    (row,) = rows([gate(), gate("fail", 0.05), broken])
    assert (row.errors, row.failures[0.0].trials, row.failures[0.05].events) == (1, 1, 1)
    assert 0.01 not in row.failures
    assert row.inconclusive.trials == 2


def test_what_is_computed_comes_from_the_pairs() -> None:
    (still,) = computed([gate(logs=[0.0, 0.001, -0.001, 0.0, 0.0])])
    assert still.spread == pytest.approx(5e-7**0.5)
    assert still.pairs == 5


@pytest.mark.parametrize(
    ("share", "told"), [(0.0, "0 %"), (0.00498, "0.5 %"), (0.503, "50 %"), (0.995, "99.5 %"), (1.0, "100 %")]
)
def test_percentages(share: float, told: str) -> None:
    assert percent(share) == told


@pytest.mark.parametrize(
    ("line", "failed", "ratio"),
    [
        ("| +        | 414±9μs              | 583±20μs            |    1.41 | with_asv.time_step |", True, 1.41),
        ("|          | 414±9μs              | 420±20μs            |    1.01 | with_asv.time_step |", False, 1.01),
        ("|          | 414±9μs              | 450±20μs            | ~1.09   | with_asv.time_step |", False, 1.09),
        ("| -        | 414±9μs              | 300±20μs            |    0.72 | with_asv.time_step |", False, 0.72),
    ],
)
def test_what_asv_compares(line: str, failed: bool, ratio: float) -> None:
    head = "| Change   | Before [a] <main~1>  | After [b] <main>    |   Ratio | Benchmark (Parameter) |"
    assert peers.compared(f"All benchmarks:\n\n{head}\n{line}\n") == {"failed": failed, "ratio": ratio}


def test_asv_that_compares_nothing_is_no_pass() -> None:
    with pytest.raises(RuntimeError, match="compares nothing"):
        peers.compared("All benchmarks:\n")


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_goes_on_where_the_last_call_ended(kind: str) -> None:
    if kind == "torch":
        pytest.importorskip("torch")
    run = gated.RUNS[kind]()
    for steps in (1, 3):
        run(steps)


@pytest.mark.parametrize(("planted", "steps"), [("0.0", 100), ("0.01", 101), ("0.1", 110)])
def test_a_peer_makes_more_steps(planted: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gated.KIND, "numpy")
    monkeypatch.setenv(gated.PLANTED, planted)
    assert gated.from_environment()[1] == steps


def test_a_gate_of_a_peer_is_a_verdict_or_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []

    def slower(job: peers.Job) -> peers.Answer:
        folders.append(job.folder)
        if job.kind == "torch":
            raise RuntimeError("no torch")
        return {"failed": job.planted > 0.04, "ratio": 1 + job.planted}

    monkeypatch.setitem(peers.PEERS, "asv", slower)
    maker = Maker(made.machine())
    found = maker.make(Cell("asv", "numpy", "quiet", 0.05), 1)
    assert (found["verdict"], found["ratio"], found["planted"]) == ("fail", 1.05, 0.05)
    assert maker.make(Cell("asv", "numpy", "quiet", 0.03), 2)["verdict"] == "pass"
    assert maker.make(Cell("asv", "torch", "quiet", 0.03), 3)["error"] == "RuntimeError: no torch"
    assert len(set(folders)) == 3 and not any(folder.exists() for folder in folders)


def test_serialprofs_own_gate_is_judged_as_the_command_line_judges_it(monkeypatch: pytest.MonkeyPatch) -> None:
    base = Contestant("python", "gated.py:numpy", Path("/nowhere"))
    setting = Setting(mode="eager", depth=1, cpus=(0,))
    seeds: list[int] = []
    warmed: list[str] = []

    def fake_contest(benchmark: Benchmark, *_: Any) -> Contest:
        return Contest(benchmark, setting, {"base": base, "twin": base, "head": base})

    def fake_pairs(opened: Contest, paced: Pace, effort: Effort) -> tuple[Pair, ...]:
        seeds.append(effort.seed)
        slower = 1 + opened.contestants["head"].planted
        return tuple(Pair((1.0,) * 4, (1.0,) * 4, (slower + error,) * 4) for error in (0.0, 0.001, -0.001, 0.0, 0.0))

    monkeypatch.setattr(making, "contest", fake_contest)
    monkeypatch.setattr(making, "planting_pace", lambda setting, base: Pace(setting, 100, 3e-4, 6))
    monkeypatch.setattr(making, "preflight", lambda role, contestant, setting: warmed.append(role))
    monkeypatch.setattr(making, "take_pairs", fake_pairs)
    maker = Maker(made.machine())
    found = [maker.make(Cell(SERIALPROF, "numpy", "quiet", share), number) for number, share in enumerate((0.0, 0.05))]
    assert [gate["verdict"] for gate in found] == ["pass", "fail"]
    assert found[1]["ratio"] == pytest.approx(1.05, abs=1e-4)
    assert len(found[1]["logs"]) == len(found[1]["null_logs"]) == 5
    assert seeds == [0, 1]
    assert warmed == ["base", "head"]
