# SPDX-License-Identifier: Apache-2.0
"""benchmarks/kernels.py: ratios are those of rounds, results are compared, limits follow from declared work."""

from itertools import islice
from typing import Any

import numpy as np
import pytest

from benchmarks.kernels import renewed
from benchmarks.kernels_tools.core import OURS, Case, Core, Ready, difference
from benchmarks.kernels_tools.life import alive, run_length, seconds_of
from benchmarks.kernels_tools.measuring import Clock, limit_of, loss_of, row_of
from benchmarks.kernels_tools.process import Lost, environment
from benchmarks.kernels_tools.registry import MODULES, core_of
from benchmarks.kernels_tools.running import FIRST_ROUNDS, Field, Outcome, orders
from benchmarks.kernels_tools.scoring import quartiles, score, verdict
from benchmarks.kernels_tools.table import lines_of, losses, missing, number, seconds
from serialprof.catalog import Affine, Work, Workload
from serialprof.limits import Limits, StreamRung
from serialprof.setting import Setting

LIMITS = Limits(
    chains={"fma": 2e-9, "add": 0.5e-9},
    stream=(StreamRung(1000, 1, 1e9), StreamRung(1000, 2, 1.5e9)),
    fma={"baseline": 1e9, "avx2": 4e9},
)


def test_a_ratio_is_that_of_a_round_and_not_of_medians() -> None:
    rounds = [{OURS: 1.0, "a": 2.0}, {OURS: 10.0, "a": 20.0}, {OURS: 4.0, "a": 12.0}]
    ratio = score(rounds).ratios["a"]
    assert (ratio.median, ratio.rounds, ratio.step) == (2.0, 3, 12.0)
    assert (ratio.low, ratio.high) == (2.0, 2.5)


def test_the_best_peer_has_the_least_ratio_and_may_be_absent_from_rounds() -> None:
    found = score([{OURS: 1.0, "near": 2.0, "far": 100.0}, {OURS: 1.0, "near": 3.0}, {OURS: 2.0}])
    assert (found.best, found.step) == ("near", 1.0)
    assert (found.ratios["near"].median, found.ratios["near"].rounds) == (2.5, 2)
    assert (found.ratios["far"].median, found.ratios["far"].rounds) == (100.0, 1)


def test_without_peers_or_without_us_there_is_no_ratio() -> None:
    assert (score([{OURS: 1.0}]).best, score([{OURS: 1.0}]).step) == ("", 1.0)
    assert score([]).step is None


def test_quartiles_of_few_values() -> None:
    assert quartiles([3.0]) == (3.0, 3.0)
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 4.0)


def test_goals_are_met_at_their_value() -> None:
    assert [verdict(value, goal) for value, goal in ((1.2, 1.2), (1.19, 1.2), (None, 1.2), (5.0, None))] == [
        "met",
        "missed",
        "not known",
        "report",
    ]


def test_every_second_round_is_turned_back_and_all_come_first() -> None:
    found = list(islice(orders(["a", "b", "c"]), 6))
    assert found[0::2] == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]
    assert all(back == forth[::-1] for forth, back in zip(found[0::2], found[1::2], strict=True))


def test_the_limit_is_the_longest_floor() -> None:
    work = Work(serial_ops=10, flops=Affine(0, 400), bytes=Affine(0, 50), footprint=Affine(0, 100), arithmetic="fp32")
    found = limit_of(Setting(width=10), work, LIMITS)
    assert found and found["floors"] == pytest.approx({"chain": 20e-9, "bandwidth": 500e-9, "arithmetic": 1000e-9})
    assert (found["seconds"], found["binding"]) == (pytest.approx(1000e-9), "arithmetic")
    assert limit_of(Setting(width=10), work, Limits()) is None
    assert limit_of(Setting(width=10), None, LIMITS) is None


def test_results_are_compared_for_equality_or_relative_to_our_largest() -> None:
    ours = np.array([1.0, -10.0])
    assert difference(ours, ours.copy(), 0) == ""
    assert difference(ours, ours + np.array([0, 1e-9]), 0).startswith("1 of 2")
    assert difference(ours, ours + np.array([0.9, 0]), 0.1) == ""
    assert "off by 1.1" in difference(ours, ours + np.array([1.1, 0]), 0.1)
    assert "off by nan" in difference(ours, ours * np.nan, 0.1)
    assert "shape" in difference(ours, ours[:1], 0.1)


def never(_: object) -> Ready:
    raise AssertionError


def row(outcome: Outcome, threads: int = 1, **case: object) -> dict:
    work = Work(serial_ops=10, flops=Affine(), bytes=Affine(), footprint=Affine(), arithmetic="fp32")
    core = Core("made", (), never, {"peer": never})
    workload = Workload("made", never, parameters={"size": 3, "other": 1}, work=lambda setting: work)
    return row_of(core, Case("W=1", 1, 8, {"size": 4}, **case), workload, threads, outcome, LIMITS)


def test_a_row_holds_share_ratio_and_whether_their_goals_are_met() -> None:
    outcome = Outcome(rounds=[{OURS: 40e-9, "peer": 64e-9}])
    found = row(outcome, share=0.6, ratio={1: 1.5, 2: 2.0})
    assert (found["share"], found["ratio"], found["best"]) == (pytest.approx(0.5), pytest.approx(1.6), "peer")
    assert found["verdicts"] == {"share": "missed", "ratio": "met"}
    assert found["parameters"] == {"size": 4, "other": 1}
    assert row(outcome, 2, share=0.6, ratio={1: 1.5, 2: 2.0})["goals"] == {"share": None, "ratio": 2.0}


def test_the_table_names_the_best_peer_and_what_is_missing() -> None:
    timed = Outcome(rounds=[{OURS: 40e-9, "peer": 64e-9}], notes={"peer": "one thread"}, missing={"gone": "no wheel"})
    text = "\n".join(lines_of([row(timed, ratio={1: 1.7}), row(Outcome(missing={OURS: "it is not built"}))]))
    assert "20 ns chain" in text and "50 %" in text and "1.6 x" in text and "1.7 x missed" in text
    assert "(one thread)" in text and "made: gone: no wheel" in text and "made: serialprof: it is not built" in text


def test_what_is_missing_everywhere_is_said_once_and_elsewhere_with_its_shapes() -> None:
    rows = [row(Outcome(missing={"peer": "too slow"})), row(Outcome(missing={"peer": "too slow"}), 2)]
    assert list(missing(rows)) == ["made: peer: too slow"]
    assert list(missing([*rows, row(Outcome(), 2)])) == ["made: peer: too slow (W=1 1T, W=1 2T)"]


def test_cores_measured_anew_take_the_place_of_their_rows_and_the_others_keep_their_run() -> None:
    kept = [{"core": "life", "shape": "a"}, {"core": "rnn", "shape": "b"}, {"core": "rnn", "shape": "c"}]
    runs = [{"cores": ["life", "rnn"], "limits": 1}, {"cores": ["rnn"], "limits": 2}]
    anew = {"cores": ["rnn"], "limits": 3}
    found = renewed({"result": {"runs": runs, "rows": kept}}, anew, [{"core": "rnn", "shape": "d"}])
    assert found["rows"] == [{"core": "rnn", "shape": "d"}, kept[0]]
    assert found["runs"] == [{"cores": ["life"], "limits": 1}, anew]


def test_more_threads_may_lose_the_barrier_at_most() -> None:
    def timed(threads: int, step: float, barrier: float = 0.0) -> dict[str, Any]:
        limit = {"floors": {"barriers": barrier}}
        return {"core": "rnn", "shape": "a", "threads": threads, "step": step, "limit": limit}

    alone = timed(1, 1e-6)
    assert loss_of(alone, [alone]) is None
    assert loss_of(timed(2, 1.04e-6, 5e-8), [alone])["verdict"] == "met"
    lost = timed(2, 1.09e-6, 5e-8)
    lost |= {"loss": loss_of(lost, [alone])}
    assert list(losses([alone, lost])) == ["rnn a 2T: +90 ns, barrier 50 ns: missed"]


def test_numbers_have_three_digits_and_times_a_unit() -> None:
    values = (None, 2.0, 1.5e-3, 12.34e-6, 5e-9)
    assert [seconds(value) for value in values] == ["-", "2 s", "1.5 ms", "12.3 us", "5 ns"]
    assert [number(value) for value in (0.8764, 12.34, 123.4)] == ["0.876", "12.3", "123"]


def test_what_a_case_leaves_goes_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("benchmarks.kernels_tools.measuring.time.monotonic", lambda: now[0])
    clock = Clock(1.0, 3)
    assert clock.next_end() == 20.0
    now[0] = 10.0
    assert clock.next_end() == 35.0
    now[0] = 100.0
    assert clock.next_end() == 100.0


def test_peers_are_told_their_threads_before_they_start() -> None:
    assert environment(2)["OMP_NUM_THREADS"] == "2"
    assert "multi_thread_eigen=false" in environment(1)["XLA_FLAGS"]


@pytest.mark.parametrize("name", MODULES)
def test_every_core_has_cases_of_its_own_workload(name: str) -> None:
    core = core_of(name)
    assert core.cases and core.peers and len({case.shape for case in core.cases}) == len(core.cases)


def test_a_soup_is_read_back_from_the_text_of_a_pattern() -> None:
    cells = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0]], np.uint8)
    assert alive(run_length(cells)).tolist() == [[0, 1], [0, 2], [2, 0]]
    assert alive("x = 3, y = 3, rule = B3/S23\nb2o2$o!").tolist() == [[0, 1], [0, 2], [2, 0]]


def test_seconds_of_golly_lie_between_the_pattern_and_its_last_generation() -> None:
    told = "This is bgolly 3.3\n0.014 0\n0.015 pop 130,923\n0.036 1,280\n0.037 pop 23,771\n"
    assert seconds_of(told, 1280) == pytest.approx(0.021)


class Scripted(Field):
    """Ours takes ten times as long as the peer; who is to be lost dies at its third sample."""

    def __init__(self, dies: str) -> None:
        self._lost: dict[str, str] = {}
        self._dies = dies
        self._taken: list[str] = []

    def _prepare(self, *_: object) -> list[str]:
        return [OURS, "peer"]

    def _calibrate(self, *_: object) -> dict[str, tuple[int, float]]:
        return {OURS: (1, 10.0), "peer": (1, 1.0)}

    def _sample(self, name: str, calls: int) -> float:
        self._taken.append(name)
        if name == self._dies and self._taken.count(name) == 3:
            raise Lost("it died")
        return 10.0 if name == OURS else 1.0


@pytest.mark.parametrize("dies", ["peer", OURS, ""])
def test_who_is_lost_in_a_round_ends_alone_and_a_slow_core_of_ours_is_timed_on(dies: str) -> None:
    outcome = Scripted(dies).time_case(Case("", 1, 2), {}, float("inf"))
    assert outcome.missing == ({dies: "it died"} if dies else {})
    timed = {name: [name in found for found in outcome.rounds].count(True) for name in (OURS, "peer")}
    if dies == OURS:
        assert timed[OURS] == 2 and len(outcome.rounds) == 3
    else:
        assert timed[OURS] == len(outcome.rounds) > FIRST_ROUNDS, "however far behind it is"
        assert dies != "peer" or timed["peer"] == 2
    assert outcome.rounds[0][OURS] == 5.0, "of a step"
