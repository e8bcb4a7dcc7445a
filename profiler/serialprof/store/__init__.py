# SPDX-License-Identifier: Apache-2.0
"""The run file: the records of a run, and the SQLite database that keeps them."""

from __future__ import annotations

from serialprof.records import (
    Calibration,
    Readings,
    Resumption,
    RunStatus,
    StandIn,
    StandInGap,
    StepTicks,
    Stop,
    StoredRun,
    Visit,
)
from serialprof.samples import Sample
from serialprof.store.reading import read_run
from serialprof.store.schema import SCHEMA_VERSION, SUFFIX
from serialprof.store.writing import Store

__all__ = [
    "SCHEMA_VERSION",
    "SUFFIX",
    "Calibration",
    "Readings",
    "Resumption",
    "RunStatus",
    "Sample",
    "StandIn",
    "StandInGap",
    "StepTicks",
    "Stop",
    "Store",
    "StoredRun",
    "Visit",
    "read_run",
]
