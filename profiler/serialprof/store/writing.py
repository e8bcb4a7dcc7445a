# SPDX-License-Identifier: Apache-2.0
"""Writing a run file: one SQLite database, one transaction per visit, one writer at a time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from serialprof.devicelimits import DeviceLimits
from serialprof.errors import StoreError
from serialprof.files import appearing
from serialprof.limits import Limits
from serialprof.planning import Point
from serialprof.records import (
    Calibration,
    Dissection,
    DissectionGap,
    Footprint,
    Resumption,
    RunStatus,
    StandIn,
    StandInGap,
    Stop,
    StoredRun,
    Visit,
)
from serialprof.store.reading import read_run
from serialprof.store.schema import (
    APPLICATION_ID,
    READING_COLUMNS,
    SAMPLE_COLUMNS,
    SCHEMA_VERSION,
    STAND_IN_COLUMNS,
    TABLES,
    VISIT_COLUMNS,
    encode,
)


class Store:
    """A run file that is being written.

    Every visit is one transaction, synced to the disk, so that a kill loses at most the visit under way; the file can
    be read by another process meanwhile, and written by none.

    Args:
        path: the file to create; one that exists is never overwritten.
        run: what is known at the start; its visits are written too.

    Raises:
        StoreError: the file exists or cannot be written.
    """

    def __init__(self, path: Path, run: StoredRun) -> None:
        self.path = path
        self.visits = 0
        try:
            with appearing(path) as beside, closing(sqlite3.connect(beside, isolation_level=None)) as connection:
                _write_header(connection, run)
            self._open()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot write {path}: {error}", "name another file") from None
        for calibration in run.calibrations:
            self.calibrate(calibration)
        for block, stops in run.draws.items():
            self.draw(block, stops)
        for visit in run.visits:
            self.add(visit)
        self.stand_in(run.stand_ins)
        self.lack_stand_ins(run.stand_in_gaps)
        for dissection in run.dissections:
            self.dissect(dissection)
        self.lack_dissections(run.dissection_gaps)
        self.know_footprints(run.footprints)

    @classmethod
    def reopen(cls, path: Path) -> tuple[Self, StoredRun]:
        """Opens a run file to go on writing, with what it holds.

        Raises:
            StoreError: it is no run file, cannot be written, or another run is writing to it.
        """
        store = cls.__new__(cls)
        store.path = path
        read_run(path)  # whatever is no run file is refused before it is touched
        try:
            store._open()
            run = read_run(path)  # again, now that nobody else writes
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot write {path}: {error}", "make it writable") from None
        store.visits = len(run.visits)
        return store, run

    def _open(self) -> None:
        self._lock = _locked(self.path)
        self._connection = sqlite3.connect(self.path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")

    def add(self, visit: Visit) -> None:
        """Writes a visit with its samples and ticks in one transaction.

        Raises:
            StoreError: the disk refuses; what was stored before stays readable.
        """
        self._transact(lambda: self._insert(visit))
        self.visits += 1

    def stand_in(self, timings: Sequence[StandIn]) -> None:
        """Writes timings under a stand-in for another clock, in one transaction.

        Raises:
            StoreError: as in `add`.
        """
        columns = ", ".join(STAND_IN_COLUMNS)
        rows = [[getattr(timing, name) for name in STAND_IN_COLUMNS] for timing in timings]
        insert = f"INSERT INTO stand_in ({columns}) VALUES ({_marks(len(STAND_IN_COLUMNS))})"  # noqa: S608 - constant
        self._transact(lambda: self._connection.executemany(insert, rows))

    def lack_stand_ins(self, gaps: Sequence[StandInGap]) -> None:
        """Records which points lack timings under a stand-in, in place of what was recorded before."""
        self._set_meta("stand_in_gaps", tuple(gaps))

    def dissect(self, dissection: Dissection) -> None:
        """Writes separate timings of a point's steps, in one transaction.

        Raises:
            StoreError: as in `add`.
        """
        row = (dissection.point, dissection.block, encode(dissection.anatomy))
        insert = "INSERT INTO dissection (point, block, anatomy) VALUES (?, ?, ?)"
        self._transact(lambda: self._connection.execute(insert, row))

    def lack_dissections(self, gaps: Sequence[DissectionGap]) -> None:
        """Records which points could not be dissected, in place of what was recorded before."""
        self._set_meta("dissection_gaps", tuple(gaps))

    def know_footprints(self, footprints: Sequence[Footprint]) -> None:
        """Records what steps touch that declare nothing, in place of what was recorded before."""
        self._set_meta("footprints", tuple(footprints))

    def calibrate(self, calibration: Calibration) -> None:
        """Writes what was found out about a point.

        Raises:
            StoreError: as in `add`.
        """
        row = (calibration.point, calibration.run_seconds, calibration.runs, calibration.took)
        self._transact(lambda: self._connection.execute("INSERT INTO calibration VALUES (?, ?, ?, ?)", row))

    def draw(self, block: int, stops: Sequence[Stop]) -> None:
        """Writes the drawn order of a block, before its first visit.

        Raises:
            StoreError: as in `add`.
        """
        rows = [(block, position, stop.point, stop.turn, stop.seconds) for position, stop in enumerate(stops)]
        self._transact(lambda: self._connection.executemany("INSERT INTO draw VALUES (?, ?, ?, ?, ?)", rows))

    def resumed(self, resumption: Resumption, before: Sequence[Resumption]) -> None:
        """Records that the run goes on, after the continuations `before`."""
        self._set_meta("resumptions", (*before, resumption))
        self._set_meta("status", "running")

    def set_limits(self, limits: Limits) -> None:
        """Records the machine's limits, once they are measured."""
        self._set_meta("limits", limits)

    def set_devices(self, devices: Sequence[DeviceLimits]) -> None:
        """Records the limits of the devices, once they are measured."""
        self._set_meta("devices", tuple(devices))

    def finish(self, status: RunStatus) -> None:
        """Records how the run ended."""
        self._set_meta("status", status)

    def abandon(self, status: RunStatus) -> None:
        """Records that the run ended early, or removes the file where nothing was measured; raises nothing."""
        with suppress(StoreError):
            self.finish(status)
        if not self.visits:
            self.close()
            for end in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    def _insert(self, visit: Visit) -> None:
        readings = visit.readings
        columns = (*VISIT_COLUMNS, *READING_COLUMNS, "core_clocks", "pinned", "gpu")
        row = [getattr(visit, name) for name in VISIT_COLUMNS] + [getattr(readings, name) for name in READING_COLUMNS]
        row += [encode(readings.core_clocks), encode(visit.pinned), encode(readings.gpu)]
        number = self._connection.execute(
            f"INSERT INTO visit ({', '.join(columns)}) VALUES ({_marks(len(columns))})",  # noqa: S608 - constant names
            row,
        ).lastrowid
        self._connection.executemany(
            f"INSERT INTO sample VALUES ({_marks(2 + len(SAMPLE_COLUMNS))})",  # noqa: S608 - only marks
            [
                (number, position, *(getattr(sample, name) for name in SAMPLE_COLUMNS))
                for position, sample in enumerate(readings.samples)
            ],
        )
        if ticks := readings.ticks:
            self._connection.execute(
                "INSERT INTO ticks VALUES (?, ?, ?)", (number, ticks.seconds_per_tick, ticks.steps)
            )

    def _set_meta(self, key: str, value: object) -> None:
        row = (encode(value), key)
        self._transact(lambda: self._connection.execute("UPDATE meta SET value = ? WHERE key = ?", row))

    def _transact(self, write: Callable[[], object]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            write()
            self._connection.execute("COMMIT")
        except BaseException as error:  # an interrupt, too, must not leave the transaction open
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            if not isinstance(error, sqlite3.Error):
                raise
            raise StoreError(
                f"cannot write to {self.path}: {error}",
                f"what was stored is kept; make room, then serialprof run --resume {self.path}",
            ) from None

    def close(self) -> None:
        """Folds the write-ahead log into the one file and closes it."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA journal_mode=DELETE")
        self._connection.close()
        if self._lock >= 0:
            os.close(self._lock)  # after SQLite's own: closing any descriptor of the file ends the locks of all
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _write_header(connection: sqlite3.Connection, run: StoredRun) -> None:
    """The tables, and what is known of a run before its first visit."""
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.executescript(TABLES)
    header = {
        "run_id": run.run_id,
        "started": run.started,
        "version": run.version,
        "code": run.code,
        "command": run.command,
        "status": run.status,
        "machine": run.machine,
        "limits": run.limits,
        "plan": replace(run.plan, points=()),
        "resumptions": run.resumptions,
        "stand_in_gaps": (),
        "devices": run.devices,
        "dissection_gaps": (),
        "footprints": (),
        "gpu_clocks": run.gpu_clocks,
    }
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO meta VALUES (?, ?)", [(key, encode(value)) for key, value in header.items()])
    connection.executemany(
        "INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [_point_row(item) for item in run.plan.points]
    )
    connection.execute("COMMIT")


def _locked(path: Path) -> int:
    """A descriptor that keeps other runs from the file until it is closed; -1 where the system has no such lock.

    Raises:
        StoreError: another run has it.
    """
    try:
        import fcntl
    except ImportError:
        return -1
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StoreError(f"another run is writing to {path}", "wait for it to end, or name another file") from None
    except OSError:  # a file system without locks
        os.close(descriptor)
        return -1
    return descriptor


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _point_row(point: Point) -> tuple[Any, ...]:
    setting = point.setting
    knobs = (setting.form, setting.mode, setting.device, setting.width, setting.depth, setting.threads)
    return (point.id, point.workload, *knobs, encode(point))
