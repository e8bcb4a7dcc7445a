# SPDX-License-Identifier: Apache-2.0
"""Reading a run file, also while another process writes it: numbers and JSON come out of it, no code."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final, get_type_hints

import msgspec

from serialprof.devicelimits import DeviceLimits
from serialprof.errors import StoreError
from serialprof.limits import Limits
from serialprof.machine import Machine
from serialprof.planning import Plan, Point
from serialprof.policyclock import PolicyClock
from serialprof.records import (
    Anatomy,
    Calibration,
    Dissection,
    DissectionGap,
    Footprint,
    GpuState,
    Resumption,
    RunStatus,
    StandIn,
    StandInGap,
    StepTicks,
    Stop,
    StoredRun,
    Visit,
)
from serialprof.samples import Samples
from serialprof.store.kind import LIVE, RUN, other_kind, stored_kind
from serialprof.store.schema import (
    APPLICATION_ID,
    READING_COLUMNS,
    SAMPLE_COLUMNS,
    SCHEMA_VERSION,
    STAND_IN_COLUMNS,
    VISIT_COLUMNS,
    decode,
)

#: No run is planned with more of anything: counts are computed with as signed 64-bit numbers.
_MOST_COUNT: Final = 2**62
#: What the columns of samples hold, in their order.
_SAMPLE_KINDS: Final = tuple(get_type_hints(Samples)[name] for name in SAMPLE_COLUMNS)


def read_run(path: Path) -> StoredRun:
    """Reads a whole run file; only JSON and numbers come out of it, no code.

    Raises:
        StoreError: it is absent, empty, damaged, no run file of serialprof, or of another schema.
    """
    if not path.is_file():
        raise StoreError(f"there is no run file {path}", "give the path of a *.serialprof file")
    if not path.stat().st_size:  # to SQLite, an empty database
        raise StoreError(f"{path} is empty", "give another file")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            _check_header(path, connection)
            connection.execute("BEGIN")  # one state of the file, even while a run writes to it
            return _read(connection)
    except sqlite3.Error as error:
        raise StoreError(f"{path} is damaged or no run file of serialprof ({error})", "give another file") from None
    except (msgspec.MsgspecError, KeyError, ValueError, TypeError, IndexError, OverflowError) as error:
        raise StoreError(f"{path} is damaged: {error}", "give another file") from None


def _check_header(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database, but no run file of serialprof", "give a *.serialprof file")
    if stored_kind(connection) != RUN:
        raise other_kind(path, LIVE)
    kinds = {kind for (kind,) in connection.execute("SELECT type FROM sqlite_master")}
    if not kinds <= {"table", "index"}:  # a view could keep its reader busy for ever
        raise StoreError(f"{path} holds what no run file holds", "give another file")
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema {version}, this serialprof reads {SCHEMA_VERSION}", "use the version that wrote it"
        )


def _read(connection: sqlite3.Connection) -> StoredRun:
    meta: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta"))
    points = tuple(decode(text, Point) for (text,) in connection.execute("SELECT value FROM point ORDER BY id"))
    if [point.id for point in points] != list(range(len(points))):
        raise ValueError("its points are not numbered from 0")
    if any(min(point.setting.width, point.setting.depth, point.setting.threads) < 1 for point in points):
        raise ValueError("a point has a width, depth or thread count below 1")
    if any(max(point.setting.width, point.setting.depth, point.setting.threads) > _MOST_COUNT for point in points):
        raise ValueError("a point has a width, depth or thread count above 2^62")
    return StoredRun(
        run_id=decode(meta["run_id"], str),
        started=decode(meta["started"], float),
        version=decode(meta["version"], str),
        code=decode(meta["code"], str),
        command=decode(meta["command"], tuple[str, ...]),
        status=decode(meta["status"], RunStatus),
        machine=decode(meta["machine"], Machine),
        limits=decode(meta["limits"], Limits),
        plan=replace(decode(meta["plan"], Plan), points=points),
        visits=tuple(_visits(connection, len(points))),
        calibrations=tuple(_calibrations(connection, len(points))),
        draws=_draws(connection, len(points)),
        resumptions=decode(meta["resumptions"], tuple[Resumption, ...]),
        stand_ins=tuple(_stand_ins(connection, len(points))),
        stand_in_gaps=_gaps(meta.get("stand_in_gaps", "[]"), len(points)),
        gpu_clocks=decode(meta.get("gpu_clocks", "[]"), tuple[PolicyClock, ...]),
        devices=decode(meta.get("devices", "[]"), tuple[DeviceLimits, ...]),
        dissections=tuple(_dissections(connection, len(points))),
        dissection_gaps=_dissection_gaps(meta.get("dissection_gaps", "[]"), len(points)),
        footprints=_footprints(meta.get("footprints", "[]"), len(points)),
    )


def _visits(connection: sqlite3.Connection, points: int) -> Iterable[Visit]:
    samples = _samples(connection)
    ticks = {number: (rate, steps) for number, rate, steps in connection.execute("SELECT * FROM ticks")}
    columns = (*VISIT_COLUMNS, *READING_COLUMNS, "core_clocks", "pinned", "gpu")
    for number, *row in connection.execute(f"SELECT id, {', '.join(columns)} FROM visit ORDER BY id"):  # noqa: S608
        cells = dict(zip(columns, row, strict=True))
        _known_point(cells["point"], points)
        if cells["runs"] < 1:
            raise ValueError(f"a visit has samples of {cells['runs']} runs")
        readings = {name: cells.pop(name) for name in READING_COLUMNS}
        readings |= {"samples": (), "steady": bool(readings["steady"])}
        readings["core_clocks"] = decode(cells.pop("core_clocks"), tuple[float | None, ...])
        readings["gpu"] = decode(cells.pop("gpu"), tuple[GpuState, ...])
        cells["pinned"] = decode(cells["pinned"], tuple[PolicyClock, ...])
        visit = msgspec.convert({**cells, "readings": readings}, Visit)
        timed = _ticks(*ticks[number]) if number in ticks else None
        taken = samples.get(number, Samples())
        yield replace(visit, readings=replace(visit.readings, samples=taken, ticks=timed))


def _samples(connection: sqlite3.Connection) -> dict[int, Samples]:
    """The samples of every visit, by column."""
    counts = connection.execute("SELECT visit, count(*) FROM sample GROUP BY visit ORDER BY visit").fetchall()
    rows = connection.execute(
        f"SELECT {', '.join(SAMPLE_COLUMNS)} FROM sample ORDER BY visit, position"  # noqa: S608 - constant names
    )
    found = {}
    for visit, count in counts:
        columns = zip(*rows.fetchmany(count), strict=True)
        found[visit] = Samples(
            *(msgspec.convert(column, kind) for column, kind in zip(columns, _SAMPLE_KINDS, strict=True))
        )
    return found


def _ticks(rate: object, steps: object) -> StepTicks:
    ticks = StepTicks(msgspec.convert(rate, float), msgspec.convert(steps, bytes))
    if len(ticks.steps) % 8:
        raise ValueError("the ticks of a visit are no whole numbers")
    return ticks


def _calibrations(connection: sqlite3.Connection, points: int) -> Iterable[Calibration]:
    rows = connection.execute("SELECT point, run_seconds, runs, took FROM calibration ORDER BY point")
    for point, seconds, runs, took in rows:
        _known_point(point, points)
        if runs < 1 or not seconds > 0:
            raise ValueError(f"point {point} is calibrated to {runs} runs of {seconds} s")
        yield Calibration(
            point, msgspec.convert(seconds, float), msgspec.convert(runs, int), msgspec.convert(took, float)
        )


def _draws(connection: sqlite3.Connection, points: int) -> dict[int, tuple[Stop, ...]]:
    draws: defaultdict[int, list[Stop]] = defaultdict(list)
    for block, point, turn, seconds in connection.execute(
        "SELECT block, point, turn, seconds FROM draw ORDER BY block, position"
    ):
        _known_point(point, points)
        draws[msgspec.convert(block, int)].append(
            msgspec.convert({"point": point, "turn": turn, "seconds": seconds}, Stop)
        )
    return {block: tuple(stops) for block, stops in draws.items()}


def _stand_ins(connection: sqlite3.Connection, points: int) -> Iterable[StandIn]:
    for row in connection.execute(f"SELECT {', '.join(STAND_IN_COLUMNS)} FROM stand_in ORDER BY id"):  # noqa: S608
        timing = msgspec.convert(dict(zip(STAND_IN_COLUMNS, row, strict=True)), StandIn)
        _known_point(timing.point, points)
        if not (0 < timing.seconds < math.inf and 0 <= timing.level < math.inf):
            raise ValueError(f"a stand-in took {timing.seconds} s at level {timing.level}")
        yield timing


def _dissections(connection: sqlite3.Connection, points: int) -> Iterable[Dissection]:
    for point, block, text in connection.execute("SELECT point, block, anatomy FROM dissection ORDER BY id"):
        _known_point(point, points)
        anatomy: Anatomy = decode(text, Anatomy)
        if not 0 < anatomy.step < math.inf:
            raise ValueError(f"a dissected step took {anatomy.step} s")
        yield Dissection(point, msgspec.convert(block, int), anatomy)


def _footprints(text: str, points: int) -> tuple[Footprint, ...]:
    footprints: tuple[Footprint, ...] = decode(text, tuple[Footprint, ...])
    for footprint in footprints:
        _known_point(footprint.point, points)
        if footprint.touched < 0:
            raise ValueError(f"point {footprint.point} touches {footprint.touched} bytes")
    return footprints


def _dissection_gaps(text: str, points: int) -> tuple[DissectionGap, ...]:
    gaps: tuple[DissectionGap, ...] = decode(text, tuple[DissectionGap, ...])
    for gap in gaps:
        _known_point(gap.point, points)
    return gaps


def _gaps(text: str, points: int) -> tuple[StandInGap, ...]:
    gaps: tuple[StandInGap, ...] = decode(text, tuple[StandInGap, ...])
    for gap in gaps:
        _known_point(gap.point, points)
    return gaps


def _known_point(number: object, points: int) -> None:
    if not (isinstance(number, int) and 0 <= number < points):
        raise ValueError(f"it names point {number}, which the plan lacks")
