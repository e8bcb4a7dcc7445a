# SPDX-License-Identifier: Apache-2.0
"""The tables of a run file, shared by its writer and its reader."""

from __future__ import annotations

from typing import Any, Final

import msgspec

SUFFIX: Final = ".serialprof"
SCHEMA_VERSION: Final = 5
APPLICATION_ID: Final = 0x53505246  # "SPRF" in the header of the file, so that a foreign database is recognised

TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE point (id INTEGER PRIMARY KEY, workload TEXT NOT NULL, form TEXT NOT NULL, mode TEXT NOT NULL,
                    device TEXT NOT NULL, width INTEGER NOT NULL, depth INTEGER NOT NULL, threads INTEGER NOT NULL,
                    value TEXT NOT NULL);
CREATE TABLE calibration (point INTEGER PRIMARY KEY REFERENCES point, run_seconds REAL NOT NULL, runs INTEGER NOT NULL,
                          took REAL NOT NULL);
CREATE TABLE draw (block INTEGER NOT NULL, position INTEGER NOT NULL, point INTEGER NOT NULL REFERENCES point,
                   turn INTEGER NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (block, position));
CREATE TABLE visit (id INTEGER PRIMARY KEY, point INTEGER NOT NULL REFERENCES point, block INTEGER NOT NULL,
                    process INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, started REAL NOT NULL,
                    spent REAL NOT NULL, position INTEGER NOT NULL, turn INTEGER NOT NULL, runs INTEGER NOT NULL,
                    warmup_runs INTEGER NOT NULL, warmup_seconds REAL NOT NULL, steady INTEGER NOT NULL, steal REAL,
                    temperature REAL, throttles INTEGER, exit_code INTEGER, stderr TEXT NOT NULL,
                    core_clocks TEXT NOT NULL, pinned TEXT NOT NULL, gpu TEXT NOT NULL, leaked REAL);
CREATE TABLE sample (visit INTEGER NOT NULL REFERENCES visit, position INTEGER NOT NULL, seconds REAL NOT NULL,
                     cpu_seconds REAL NOT NULL, involuntary INTEGER NOT NULL, disturbed TEXT NOT NULL, cpu INTEGER,
                     clock_before REAL, clock_after REAL, cycles REAL, instructions REAL,
                     stalls REAL,
                     PRIMARY KEY (visit, position));
CREATE TABLE ticks (visit INTEGER PRIMARY KEY REFERENCES visit, seconds_per_tick REAL NOT NULL, steps BLOB NOT NULL);
CREATE TABLE stand_in (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, point INTEGER NOT NULL REFERENCES point,
                       block INTEGER NOT NULL, level REAL NOT NULL, seconds REAL NOT NULL, cpu_seconds REAL NOT NULL,
                       disturbed TEXT NOT NULL);
CREATE TABLE dissection (id INTEGER PRIMARY KEY, point INTEGER NOT NULL REFERENCES point, block INTEGER NOT NULL,
                         anatomy TEXT NOT NULL);
"""
VISIT_COLUMNS: Final = (
    "point", "block", "process", "status", "reason", "started", "spent", "position", "turn", "runs",
)  # fmt: skip
READING_COLUMNS: Final = (
    "warmup_runs", "warmup_seconds", "steady", "steal", "temperature", "throttles", "exit_code", "stderr",
    "leaked",
)  # fmt: skip
SAMPLE_COLUMNS: Final = (
    "seconds", "cpu_seconds", "involuntary", "disturbed", "cpu", "clock_before", "clock_after", "cycles",
    "instructions", "stalls",
)  # fmt: skip
STAND_IN_COLUMNS: Final = ("kind", "point", "block", "level", "seconds", "cpu_seconds", "disturbed")


def encode(value: object) -> str:
    """A record as JSON."""
    return msgspec.json.encode(value).decode()


def decode(text: str, kind: Any) -> Any:
    """A record of a type from JSON; raises msgspec.MsgspecError where it is none."""
    return msgspec.json.decode(text, type=kind)
