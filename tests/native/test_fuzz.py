# SPDX-License-Identifier: Apache-2.0
import json
import os
from pathlib import Path

from benchmarks.fuzz import code, earlier, fuzzed, names

#: A sanitizer takes most of the address space for itself.
MEGABYTES = 0 if os.environ.get("SERIALPROF_SANITIZED") else 2048


def test_no_call_ends_the_interpreter() -> None:
    """A few hundred random calls by a fixed seed; benchmarks/fuzz.py makes them for an hour."""
    outcome = fuzzed(seed=20, programs=20, megabytes=MEGABYTES)
    assert not outcome.crashes, outcome.crashes[0]
    assert not outcome.overdue, outcome.overdue[0]
    assert sum(outcome.calls.values()) > 300


def test_what_is_called_is_read_from_the_stub() -> None:
    assert {"Team", "Chain.run", "chain_seconds", "Automaton.set_row", "Team.size", "live_taken"} <= set(names())


def test_minutes_come_to_what_is_recorded_of_the_same_library_alone(tmp_path: Path) -> None:
    path = tmp_path / "fuzz.json"
    assert earlier(path)["seeds"] == [0, -1]
    path.write_text(json.dumps({"result": {"code": code(), "minutes": 20, "seeds": [0, 9]}}))
    assert earlier(path)["minutes"] == 20
    path.write_text(json.dumps({"result": {"code": "another", "minutes": 20, "seeds": [0, 9]}}))
    assert earlier(path)["minutes"] == 0
