# SPDX-License-Identifier: Apache-2.0
"""The run file: one SQLite database, one transaction per visit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias

import msgspec

from serialprof.errors import StoreError
from serialprof.files import check_creatable
from serialprof.limits import Limits
from serialprof.machine import Machine
from serialprof.planning import Plan, Point

SUFFIX: Final = ".serialprof"
SCHEMA_VERSION: Final = 1
_APPLICATION_ID: Final = 0x53505246  # "SPRF" in the header of the file, so that a foreign database is recognised

RunStatus: TypeAlias = Literal["running", "complete", "interrupted", "failed"]
VisitStatus: TypeAlias = Literal["ok", "failed"]

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE point (id INTEGER PRIMARY KEY, workload TEXT NOT NULL, form TEXT NOT NULL, mode TEXT NOT NULL,
                    device TEXT NOT NULL, width INTEGER NOT NULL, depth INTEGER NOT NULL, threads INTEGER NOT NULL,
                    value TEXT NOT NULL);
CREATE TABLE draw (block INTEGER NOT NULL, position INTEGER NOT NULL, point INTEGER NOT NULL REFERENCES point,
                   PRIMARY KEY (block, position));
CREATE TABLE visit (id INTEGER PRIMARY KEY, point INTEGER NOT NULL REFERENCES point, block INTEGER NOT NULL,
                    process INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, started REAL NOT NULL,
                    runs INTEGER NOT NULL, clock_before REAL, clock_after REAL, cpu INTEGER);
CREATE TABLE sample (visit INTEGER NOT NULL REFERENCES visit, position INTEGER NOT NULL, seconds REAL NOT NULL,
                     cpu_seconds REAL NOT NULL, involuntary INTEGER NOT NULL, disturbed TEXT NOT NULL,
                     PRIMARY KEY (visit, position));
"""
_VISIT_COLUMNS: Final = (
    "point", "block", "process", "status", "reason", "started", "runs", "clock_before", "clock_after", "cpu",
)  # fmt: skip
_SAMPLE_COLUMNS: Final = ("seconds", "cpu_seconds", "involuntary", "disturbed")


@dataclass(frozen=True, slots=True)
class Sample:
    """One timed stretch of `runs` consecutive run(D).

    Attributes:
        seconds: wall time.
        cpu_seconds: CPU time of the whole worker process meanwhile (all its threads).
        involuntary: involuntary context switches of the process meanwhile.
        disturbed: why the sample is left out of fits, empty where it is sound.
    """

    seconds: float
    cpu_seconds: float
    involuntary: int
    disturbed: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A point's stay in one block.

    Attributes:
        point: the point's id.
        block: number of the block.
        process: which process of this point's worker sampled it, counted from 0.
        status: "ok", or "failed".
        reason: why it failed.
        started: seconds since the run's start.
        runs: run(D) per sample, fixed per point after calibration.
        clock_before, clock_after: neighbouring clock meter readings in hertz, None where rejected.
        cpu: the CPU that the sampling thread was on, None where unknown.
        samples: what was measured.
    """

    point: int
    block: int
    process: int
    status: VisitStatus
    reason: str = ""
    started: float = 0.0
    runs: int = 1
    clock_before: float | None = None
    clock_after: float | None = None
    cpu: int | None = None
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A whole run as stored: everything that any report needs.

    Attributes:
        run_id: a random name of this run, hexadecimal.
        started: seconds since the epoch.
        version: serialprof's version.
        code: hash of the native extension and the workloads' sources.
        command: the command line that made it.
        status: "running" (or killed while running), "complete", "interrupted" or "failed".
        machine, limits, plan: as they were.
        visits: in the order in which they were made.
    """

    run_id: str
    started: float
    version: str
    code: str
    command: tuple[str, ...]
    status: RunStatus
    machine: Machine
    limits: Limits
    plan: Plan
    visits: tuple[Visit, ...]

    def point(self, number: int) -> Point:
        """The point of an id."""
        return self.plan.points[number]


class Store:
    """A run file that is being written.

    Every visit is one transaction, synced to the disk, so that a kill loses at most the visit under way; the file can
    be read by another process meanwhile.

    Args:
        path: the file to create; one that exists is never overwritten.
        run: what is known at the start; its visits are written too.

    Raises:
        StoreError: the file exists or cannot be written.
    """

    def __init__(self, path: Path, run: StoredRun) -> None:
        self.path = path
        self.visits = 0
        check_creatable(path)
        try:
            path.touch(exist_ok=False)
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._write_header(run)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot write {path}: {error}", "name another file with -o") from None

    def _write_header(self, run: StoredRun) -> None:
        execute = self._connection.execute
        execute("PRAGMA journal_mode=WAL")
        execute("PRAGMA synchronous=FULL")
        execute(f"PRAGMA application_id={_APPLICATION_ID}")
        execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._connection.executescript(_SCHEMA)
        execute("BEGIN")
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
        }
        self._connection.executemany(
            "INSERT INTO meta VALUES (?, ?)", [(key, _encode(value)) for key, value in header.items()]
        )
        self._connection.executemany(
            "INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [_point_row(point) for point in run.plan.points]
        )
        self._connection.executemany("INSERT INTO draw VALUES (?, ?, ?)", _draws(run.plan))
        execute("COMMIT")
        for visit in run.visits:
            self.add(visit)

    def add(self, visit: Visit) -> None:
        """Writes a visit with its samples in one transaction.

        Raises:
            StoreError: the disk refuses; what was stored before stays readable.
        """
        row = [getattr(visit, column) for column in _VISIT_COLUMNS]
        marks = ", ".join("?" * len(row))
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            cursor = self._connection.execute(
                f"INSERT INTO visit ({', '.join(_VISIT_COLUMNS)}) VALUES ({marks})",  # noqa: S608 - constant names
                row,
            )
            self._connection.executemany(
                "INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (cursor.lastrowid, position, *asdict(sample).values())
                    for position, sample in enumerate(visit.samples)
                ],
            )
            self._connection.execute("COMMIT")
        except BaseException as error:  # an interrupt, too, must not leave the transaction open
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            if not isinstance(error, sqlite3.Error):
                raise
            raise StoreError(f"cannot write to {self.path}: {error}", "make room; what was stored is kept") from None
        self.visits += 1

    def set_limits(self, limits: Limits) -> None:
        """Records the machine's limits, once they are measured."""
        self._set_meta("limits", limits)

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

    def _set_meta(self, key: str, value: object) -> None:
        try:
            self._connection.execute("UPDATE meta SET value = ? WHERE key = ?", (_encode(value), key))
        except sqlite3.Error as error:
            raise StoreError(f"cannot write to {self.path}: {error}", "make room; what was stored is kept") from None

    def close(self) -> None:
        """Folds the write-ahead log into the one file and closes it."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA journal_mode=DELETE")
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_run(path: Path) -> StoredRun:
    """Reads a whole run file; only JSON and numbers come out of it, no code.

    Raises:
        StoreError: it is absent, damaged, no run file of serialprof, or of a newer schema.
    """
    if not path.is_file():
        raise StoreError(f"there is no run file {path}", "give the path of a *.serialprof file")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            _check_header(path, connection)
            return _read(connection)
    except sqlite3.Error as error:
        raise StoreError(f"{path} is damaged or no run file of serialprof ({error})", "give another file") from None
    except (msgspec.MsgspecError, KeyError, ValueError, TypeError, IndexError) as error:
        raise StoreError(f"{path} is damaged: {error}", "give another file") from None


def _check_header(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION_ID:
        raise StoreError(f"{path} is a database, but no run file of serialprof", "give a *.serialprof file")
    kinds = {kind for (kind,) in connection.execute("SELECT type FROM sqlite_master")}
    if not kinds <= {"table", "index"}:  # a view could keep its reader busy for ever
        raise StoreError(f"{path} holds what no run file holds", "give another file")
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema {version}, this serialprof reads {SCHEMA_VERSION}", "use the version that wrote it"
        )


def _read(connection: sqlite3.Connection) -> StoredRun:
    meta: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta"))
    points = tuple(_decode(text, Point) for (text,) in connection.execute("SELECT value FROM point ORDER BY id"))
    if [point.id for point in points] != list(range(len(points))):
        raise ValueError("its points are not numbered from 0")
    if any(min(point.setting.width, point.setting.depth, point.setting.threads) < 1 for point in points):
        raise ValueError("a point has a width, depth or thread count below 1")
    return StoredRun(
        run_id=_decode(meta["run_id"], str),
        started=_decode(meta["started"], float),
        version=_decode(meta["version"], str),
        code=_decode(meta["code"], str),
        command=_decode(meta["command"], tuple[str, ...]),
        status=_decode(meta["status"], RunStatus),
        machine=_decode(meta["machine"], Machine),
        limits=_decode(meta["limits"], Limits),
        plan=replace(_decode(meta["plan"], Plan), points=points),
        visits=tuple(_visits(connection, len(points))),
    )


def _visits(connection: sqlite3.Connection, points: int) -> Iterable[Visit]:
    samples = connection.execute(
        f"SELECT visit, {', '.join(_SAMPLE_COLUMNS)} FROM sample ORDER BY visit, position"  # noqa: S608 - constant names
    )
    by_visit = {
        number: [dict(zip(_SAMPLE_COLUMNS, row[1:], strict=True)) for row in rows]
        for number, rows in groupby(samples, key=lambda row: row[0])
    }
    for number, *row in connection.execute(f"SELECT id, {', '.join(_VISIT_COLUMNS)} FROM visit ORDER BY id"):  # noqa: S608
        columns = dict(zip(_VISIT_COLUMNS, row, strict=True))
        if not 0 <= columns["point"] < points:
            raise ValueError(f"a visit names point {columns['point']}, which the plan lacks")
        if columns["runs"] < 1:
            raise ValueError(f"a visit has samples of {columns['runs']} runs")
        yield msgspec.convert({**columns, "samples": by_visit.get(number, ())}, Visit)


def _draws(plan: Plan) -> list[tuple[int, int, int]]:
    return [
        (block, position, point.id) for block in range(plan.blocks) for position, point in enumerate(plan.order(block))
    ]


def _point_row(point: Point) -> tuple[Any, ...]:
    setting = point.setting
    knobs = (setting.form, setting.mode, setting.device, setting.width, setting.depth, setting.threads)
    return (point.id, point.workload, *knobs, _encode(point))


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _decode(text: str, kind: Any) -> Any:
    return msgspec.json.decode(text, type=kind)
