# SPDX-License-Identifier: Apache-2.0
"""From whole runs to the table: how far a tool's results spread, which peer is best, which goals are met."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy.stats import bootstrap

Record = dict[str, Any]
Row = dict[str, Any]
Logs = list[float]

#: The spread at which a comparison of two steps counts as precise.
STATED = 0.01
#: Goals: serialprof's spread over the best peer's, and the engine's own share of its wall time.
GOALS = {"ratio": 0.25, "absolute": 1.0}
SHARES = {"serialprof": 0.20, "serialprof unmetered": 0.10}


def spread(logs: Sequence[float]) -> float | None:
    """Standard deviation of logarithms: for small spreads the relative one. None below two runs."""
    return statistics.stdev(logs) if len(logs) > 1 else None


def robust_spread(logs: Sequence[float]) -> float | None:
    """The same from the median absolute deviation, which a few spoilt runs do not move."""
    if len(logs) < 2:
        return None
    centre = statistics.median(logs)
    return 1.4826 * statistics.median(abs(value - centre) for value in logs)


def logs_of(records: Iterable[Record]) -> dict[str, dict[str, Logs]]:
    """{"ratio" or "absolute": {statistic: ln of each whole run's result}}."""
    logs: dict[str, dict[str, Logs]] = {"ratio": {}, "absolute": {}}
    for record in records:
        for name, (first, second) in record["times"].items():
            if first > 0 and second > 0:  # a difference of whole processes can fall below zero
                if "ratio" not in record:
                    logs["ratio"].setdefault(name, []).append(math.log(first / second))
                logs["absolute"].setdefault(name, []).append(math.log(first))
        if record.get("ratio"):  # a tool that compares the two itself is taken at its word
            logs["ratio"].setdefault("turns", []).append(math.log(record["ratio"]))
    return logs


def best(logs: dict[str, Logs]) -> tuple[str, Logs]:
    """The statistic that spreads least over as many runs as any: a tool is scored by its best."""
    most = max(map(len, logs.values()))
    complete = {name: values for name, values in logs.items() if len(values) == most}
    return min(complete.items(), key=lambda item: spread(item[1]) or 0.0)


def row_of(kind: str, tool: str, seconds: float, records: Sequence[Record]) -> Row:
    """One line of the table."""
    row: Row = {
        "kind": kind,
        "tool": tool,
        "seconds": seconds,
        "runs": len(records),
        "wall": statistics.median(record["wall"] for record in records),
        "logs": {},
    }
    for quantity, logs in logs_of(records).items():
        if logs:
            name, values = best(logs)
            row["logs"][quantity] = values
            row[quantity] = {
                "statistic": name,
                "median": math.exp(statistics.median(values)),
                "spread": spread(values),
                "robust_spread": robust_spread(values),
                "spread_of_every_statistic": {other: spread(numbers) for other, numbers in logs.items()},
            }
    return row


def seconds_to_stated(rows: Sequence[Row], kind: str, tool: str) -> float | None:
    """Median wall seconds of a run at the smallest budget whose ratios spread by STATED at most; None if none does."""
    for row in sorted(rows, key=lambda row: row["seconds"]):
        reached = row.get("ratio", {}).get("spread")
        if (row["kind"], row["tool"]) == (kind, tool) and reached is not None and reached <= STATED:
            return float(row["wall"])
    return None


def goals_of(rows: Sequence[Row], peers: Sequence[str], kind: str, seconds: float) -> list[Row]:
    """Spreads of serialprof over the best peer's at one budget, with a bootstrap interval of 95 %."""
    here = [row for row in rows if row["kind"] == kind and row["seconds"] == seconds]
    own = next((row for row in here if row["tool"] == "serialprof"), None)
    goals = []
    for quantity, goal in GOALS.items():
        rivals = [row for row in here if row["tool"] in peers and row.get(quantity, {}).get("spread")]
        if own is None or not rivals or own.get(quantity, {}).get("spread") is None:
            continue
        rival = min(rivals, key=lambda row: row[quantity]["spread"])
        value = own[quantity]["spread"] / rival[quantity]["spread"]
        low, high = _interval(own["logs"][quantity], rival["logs"][quantity])
        found = {"kind": kind, "seconds": seconds, "goal": f"spread of the {quantity}", "best_peer": rival["tool"]}
        goals.append({**found, "value": value, "low": low, "high": high, "at_most": goal, "met": value <= goal})
    return goals


def _interval(own: Logs, rival: Logs) -> tuple[float | None, float | None]:
    if min(len(own), len(rival)) < 5:
        return None, None

    def quotient(first: Any, second: Any, axis: int = -1) -> Any:
        return np.log(np.std(first, axis=axis, ddof=1) / np.std(second, axis=axis, ddof=1))

    found = bootstrap((own, rival), quotient, n_resamples=2000, method="percentile", rng=np.random.default_rng(0))
    low, high = np.exp(found.confidence_interval)
    return float(low), float(high)


def shares_of(kind: str, tool: str, records: Sequence[Record]) -> Row | None:
    """The engine's own share of its wall time, the median over runs; None where no run told it."""
    engines = [record["engine"] for record in records if record.get("engine")]
    if not engines:
        return None
    value = statistics.median(engine["own"] for engine in engines)
    restarts = statistics.median(engine["restarts"] for engine in engines)
    found = {"kind": kind, "goal": f"own share, {tool}", "value": value, "restarts": restarts}
    return {**found, "at_most": SHARES[tool], "met": value <= SHARES[tool]}


def print_table(rows: Sequence[Row], goals: Sequence[Row], unfit: Sequence[Record]) -> None:
    """The table, the goals, and what did not fit."""
    head = f"{'kind':<7} {'tool':<22} {'s':>4} {'runs':>4} {'wall s':>7} {'step us':>8} {'spread':>7} {'robust':>7}"
    print(f"{head} {'A / B':>7} {'spread':>7} {'robust':>7} {'s to ' + format(STATED, '.0%'):>10}  statistics")
    for row in rows:
        absolute, ratio = row.get("absolute"), row.get("ratio")
        line = f"{row['kind']:<7} {row['tool']:<22} {row['seconds']:>4g} {row['runs']:>4} {row['wall']:>7.1f}"
        if absolute and ratio:
            reached = row["seconds_to_stated"]
            line += f" {absolute['median'] * 1e6:>8.3f} {_percent(absolute['spread']):>7}"
            line += f" {_percent(absolute['robust_spread']):>7} {ratio['median']:>7.4f} {_percent(ratio['spread']):>7}"
            line += f" {_percent(ratio['robust_spread']):>7} {'not' if reached is None else format(reached, '.1f'):>10}"
            line += f"  {absolute['statistic']}, {ratio['statistic']}"
        print(line)
    for kind, known in {row["kind"]: row["known_ratio"] for row in rows if row["known_ratio"]}.items():
        print(f"{kind:<7} A / B by construction: {known:.4f}")
    for goal in goals:
        at = f" ({goal['low']:.3g} to {goal['high']:.3g})" if goal.get("low") is not None else ""
        more = f", best peer {goal['best_peer']} at {goal['seconds']:g} s" if "best_peer" in goal else ""
        more += f", fresh workers {goal['restarts']:.3f} besides" if "restarts" in goal else ""
        met = "met" if goal["met"] else "MISSED"
        print(f"{goal['kind']:<7} {goal['goal']}: {goal['value']:.3f}{at}, goal {goal['at_most']:g}: {met}{more}")
    for reason in dict.fromkeys((item["kind"], item["tool"], item["seconds"], item["reason"]) for item in unfit):
        print("{:<7} {} at {:g} s: {}".format(*reason))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.2f}%" if value < 0.1 else f"{value * 100:.0f}%"
