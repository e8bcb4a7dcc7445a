# SPDX-License-Identifier: Apache-2.0
import os
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from serialprof.catalog import Affine
from serialprof.devicelimits import DeviceLimits, DeviceRung
from serialprof.errors import StoreError
from serialprof.policyclock import PolicyClock
from serialprof.records import Anatomy, Dissection, DissectionGap, Footprint, GpuState, Profile
from serialprof.samples import Samples
from serialprof.store import (
    Calibration,
    Readings,
    Resumption,
    Sample,
    StandIn,
    StandInGap,
    StepTicks,
    Stop,
    Store,
    StoredRun,
    Visit,
    read_run,
    reading,
    schema,
)
from tests import made

CELLS = made.points(widths=(1, 2**40), threads=(1, 2), forms=("serial", "wide"))
#: A visit in which no column holds what it holds by default.
FULL = Visit(
    point=2,
    block=3,
    process=4,
    status="failed",
    reason="it \u2603 broke",
    started=5.5,
    spent=6.5,
    position=7,
    turn=8,
    runs=9,
    readings=Readings(
        samples=(
            Sample(1.5, 0.5, 3, "off the CPU", 11, 2.1e9, 2.2e9, 3.1e9, 4.1e9, 1.1e9),
            Sample(1.25, 1.0, 0),
        ),
        warmup_runs=12,
        warmup_seconds=13.5,
        steady=False,
        steal=0.125,
        temperature=61.5,
        throttles=14,
        ticks=StepTicks(4.8e-10, struct.pack("<4q", 0, -1, 2**63 - 1, -(2**63))),
        exit_code=-6,
        stderr="\u2603 no such thing\n",
        core_clocks=(2.2e9, None),
        gpu=(GpuState(1.98e9, 2.6e9, 412.5, 61.0, ("power cap",)), GpuState()),
        leaked=4096.0,
    ),
    pinned=(PolicyClock("policy0", (0, 1), 2_200_000_000, None, "the kernel keeps a range"),),
)
STAND_INS = (StandIn("delay", 2, 3, 2.5e-6, 1.5e-5, 3e-5), StandIn("dilation", 0, 0, 0.25, 2e-6, 2e-6, "off the CPU"))
DISSECTIONS = (
    Dissection(0, 0, Anatomy(1.5e-5, disturbed="off the CPU", unprofiled="no profiler")),
    Dissection(2, 3, Anatomy(1.5e-5, 1.25e-5, 1e-5, Profile(4, 2e-5, 12.5, 7e-6, 1e-6, 2e-6))),
)
DEVICES = (
    DeviceLimits(
        "cuda:0", 1, "\u2603 GPU", 2**36, 2**25, 132, "torch 2.13.0", 4e-6, 2e-6, 1e-6, 5e-6, 6e-6, 9e-6,
        (DeviceRung(2**20, 5e12), DeviceRung(2**30, 3e12)), {"bf16": 9e14}, {"fp16": "no time was left"},
    ),
)  # fmt: skip
RESUMPTION = Resumption(1.8e9, ("serialprof", "run", "--resume"), made.machine(cpus=(3, 5)), "0.2.0", "other")


def full_run() -> StoredRun:
    """A run that holds a row in every table."""
    return replace(
        made.stored(CELLS, (made.visit(0), FULL, Visit(1, 0, 0, "failed", "no worker"))),
        calibrations=(Calibration(0, 1e-3, 7, 0.25), Calibration(2, 2e-9, 10**9)),
        draws={0: (Stop(2, 0, 0.5), Stop(0, 0, 0.25), Stop(2, 1, 0.5)), 3: (Stop(1, 0, 1.5),)},
        resumptions=(RESUMPTION,),
        stand_ins=STAND_INS,
        stand_in_gaps=(StandInGap("delay", 1, "its steps cannot be delayed"),),
        devices=DEVICES,
        dissections=DISSECTIONS,
        dissection_gaps=(DissectionGap(1, "it was not measured"),),
        footprints=(Footprint(0, 1 << 20), Footprint(2, 3 << 20)),
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    run = replace(full_run(), limits=replace(made.limits(), clock=2.5e9))
    with Store(file, run) as store:
        store.set_limits(made.limits())
        store.set_devices(DEVICES[:1] * 2)
        store.finish("complete")
    assert read_run(file) == replace(run, status="complete", limits=made.limits(), devices=DEVICES * 2)
    assert list(tmp_path.iterdir()) == [file], "the write-ahead log is folded into the one file"


def test_written_bytes_and_updates_are_read_back_and_are_none_where_they_were_not_stored(tmp_path: Path) -> None:
    file, run = tmp_path / "a.serialprof", full_run()
    work = replace(made.WORK, written=Affine(0, 4))
    points = tuple(replace(point, work=work) for point in run.plan.points)
    with Store(file, replace(run, plan=replace(run.plan, points=points))) as store:
        store.set_limits(made.limits())
    found = read_run(file)
    assert {point.work for point in found.plan.points} == {work}
    assert found.limits.updates == made.limits().updates != ()
    before = read_run(Path(__file__).parents[1] / "docs/examples/amd-epyc-2-cores.serialprof")
    assert before.limits.stream and before.limits.updates == ()
    assert {point.work.written for point in before.plan.points if point.work} == {None}


@pytest.mark.parametrize(
    ("record", "plain"),
    [
        (FULL, Visit(0, 0, 0, "ok")),
        (FULL.readings, Readings(())),
        (FULL.samples[0], Sample(0.0, 0.0, 0)),
    ],
)
def test_the_full_visit_leaves_nothing_at_its_default(record: object, plain: object) -> None:
    for field in fields(plain):  # type: ignore[arg-type]
        assert getattr(record, field.name) != getattr(plain, field.name), f"a {field.name} that is lost goes unseen"


def test_visits_keep_their_order_and_their_own_samples(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    visits = tuple(made.visit(point, block, (1.0 + point, 2.0 + block)) for block in range(2) for point in (3, 0, 2))
    with Store(file, made.stored(CELLS)) as store:
        for visit in visits:
            store.add(visit)
    assert read_run(file).visits == visits


def test_nothing_else_may_write_while_a_run_does(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    code = (
        "import sys; from pathlib import Path\n"
        "from serialprof.errors import StoreError\n"
        "from serialprof.store import Store\n"
        "try: Store.reopen(Path(sys.argv[1]))\n"
        "except StoreError as error: print(error)"
    )
    second = [sys.executable, "-c", code, str(file)]
    with Store(file, made.stored(CELLS, (made.visit(0),))) as store:
        said = subprocess.run(second, capture_output=True, text=True, check=True).stdout
        assert f"another run is writing to {file}" in said
        store.add(made.visit(1))
    assert [visit.point for visit in read_run(file).visits] == [0, 1]
    assert subprocess.run(second, capture_output=True, text=True, check=True).stdout == "", "once it is closed"


def test_a_second_writer_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    with Store(file, made.stored(CELLS, (made.visit(0),))), pytest.raises(StoreError, match="another run is writing"):
        Store.reopen(file)


def test_a_reopened_file_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    begun = replace(full_run(), resumptions=())
    with Store(file, begun) as store:
        store.abandon("interrupted")
    store, found = Store.reopen(file)
    with store:
        assert found == replace(begun, status="interrupted")
        assert store.visits == 3
        store.resumed(RESUMPTION, found.resumptions)
        assert read_run(file).status == "running"
        store.calibrate(Calibration(1, 3e-3, 5, 0.5))
        store.draw(4, (Stop(0, 0, 0.75), Stop(1, 0, 0.75)))
        store.add(FULL)
        store.finish("complete")
    assert read_run(file) == replace(
        begun,
        status="complete",
        visits=(*begun.visits, FULL),
        calibrations=(begun.calibrations[0], Calibration(1, 3e-3, 5, 0.5), begun.calibrations[1]),
        draws={**begun.draws, 4: (Stop(0, 0, 0.75), Stop(1, 0, 0.75))},
        resumptions=(RESUMPTION,),
        stand_ins=STAND_INS,
    )
    assert list(tmp_path.iterdir()) == [file]


def test_a_second_continuation_stands_after_the_first(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    later = replace(RESUMPTION, started=1.9e9)
    with Store(file, full_run()) as store:
        store.resumed(later, (RESUMPTION,))
    assert read_run(file).resumptions == (RESUMPTION, later)


def test_a_reopened_file_that_measures_nothing_more_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    with Store(file, made.stored(CELLS, (made.visit(0),))):
        pass
    store, _ = Store.reopen(file)
    with store:
        store.abandon("interrupted")
    assert [visit.point for visit in read_run(file).visits] == [0]


def test_only_a_run_file_of_this_schema_is_reopened(tmp_path: Path) -> None:
    old, text = _valid(tmp_path), tmp_path / "b.serialprof"
    with sqlite3.connect(old) as connection:
        connection.execute("PRAGMA user_version=1")
    connection.close()
    text.write_text("precious")
    before = old.read_bytes()
    for read in (read_run, Store.reopen):
        with pytest.raises(StoreError) as refusal:
            read(old)
        assert f"{refusal.value}" == f"{old} has schema 1, this serialprof reads 5; use the version that wrote it"
    with pytest.raises(StoreError, match="no run file"):
        Store.reopen(text)
    with pytest.raises(StoreError, match="there is no run file"):
        Store.reopen(tmp_path / "absent.serialprof")
    assert (old.read_bytes(), text.read_text()) == (before, "precious")
    assert sorted(tmp_path.iterdir()) == [old, text]


def test_another_process_can_read_while_the_run_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    with Store(file, made.stored(CELLS)) as store:
        assert read_run(file).visits == ()
        store.add(made.visit(3))
        assert [visit.point for visit in read_run(file).visits] == [3]
        store.add(made.visit(0, block=1))
        run = read_run(file)
        assert ([visit.point for visit in run.visits], run.status) == ([3, 0], "running")
        with sqlite3.connect(file) as other:
            assert other.execute("SELECT count(*) FROM sample").fetchone() == (4,)
        other.close()


def test_a_reader_sees_one_state_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.serialprof"
    read_visits = reading._visits
    with Store(file, made.stored(CELLS, (made.visit(0),))) as store:

        def while_the_run_goes_on(connection: sqlite3.Connection, points: int) -> Iterable[Visit]:
            store.add(made.visit(1))
            return read_visits(connection, points)

        monkeypatch.setattr(reading, "_visits", while_the_run_goes_on)
        assert [visit.point for visit in read_run(file).visits] == [0], "as it was when its first table was read"
        monkeypatch.undo()
        assert [visit.point for visit in read_run(file).visits] == [0, 1]


def test_a_visit_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    with Store(file, made.stored(CELLS)) as store:
        store.add(made.visit(0))
        samples = (Sample(1.0, 1.0, 0), Sample(None, 1.0, 0))  # type: ignore[arg-type]
        broken = replace(made.visit(1), readings=Readings(samples))
        with pytest.raises(StoreError, match="cannot write"):
            store.add(broken)
        store.add(made.visit(2))
    assert [visit.point for visit in read_run(file).visits] == [0, 2]


def test_an_interrupt_within_a_visit_leaves_a_file_that_can_be_finished(tmp_path: Path) -> None:
    class Interrupting(tuple):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[Sample]:
            raise KeyboardInterrupt

    file = tmp_path / "a.serialprof"
    with Store(file, made.stored(CELLS)) as store:
        store.add(made.visit(0))
        with pytest.raises(KeyboardInterrupt):
            store.add(replace(made.visit(1), readings=Readings(Interrupting())))
        store.abandon("interrupted")
    run = read_run(file)
    assert (run.status, [visit.point for visit in run.visits]) == ("interrupted", [0])


def test_a_run_that_measured_nothing_leaves_no_file(tmp_path: Path) -> None:
    with Store(tmp_path / "a.serialprof", made.stored(CELLS)) as store:
        store.abandon("failed")
    assert list(tmp_path.iterdir()) == []


def test_every_visit_is_synced_to_the_disk(tmp_path: Path) -> None:
    with Store(tmp_path / "a.serialprof", made.stored(CELLS)) as store:
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    file.write_text("precious")
    with pytest.raises(StoreError, match="exists"):
        Store(file, made.stored(CELLS))
    assert file.read_text() == "precious"


@pytest.mark.parametrize("call", ["link", "touch"])
def test_a_file_that_somebody_else_made_a_moment_ago_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    file = tmp_path / "a.serialprof"
    owner, real = (os, os.link) if call == "link" else (Path, Path.touch)

    def beaten(*arguments: object, **options: object) -> None:
        file.write_text("precious")
        real(*arguments, **options)  # type: ignore[operator]

    monkeypatch.setattr(owner, call, beaten)
    with pytest.raises(StoreError) as caught:
        Store(file, made.stored(CELLS))
    assert str(caught.value) == f"{file} exists; name another file, or remove it; nothing is overwritten"
    assert file.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("knob", ["width", "depth", "threads"])
def test_counts_that_no_run_has_are_damage(tmp_path: Path, knob: str) -> None:
    def stored(count: int) -> Path:
        first, *rest = CELLS
        points = (replace(first, setting=replace(first.setting, **{knob: count})), *rest)
        file = tmp_path / f"{count}.serialprof"
        with Store(file, made.stored(CELLS)):
            pass
        connection = sqlite3.connect(file)
        connection.execute("UPDATE point SET value = ? WHERE id = 0", (schema.encode(points[0]),))
        connection.commit()
        connection.close()
        return file

    assert getattr(read_run(stored(2**62)).plan.points[0].setting, knob) == 2**62
    for count in (2**62 + 1, 2**70):
        with pytest.raises(StoreError, match="damaged"):
            read_run(stored(count))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no folder"):
        Store(tmp_path / "nowhere" / "a.serialprof", made.stored(CELLS))


def _valid(folder: Path) -> Path:
    file = folder / "a.serialprof"
    with Store(file, full_run()):
        pass
    return file


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("PRAGMA user_version=99", "schema 99"),
        ("PRAGMA application_id=1", "no run file"),
        ("DELETE FROM meta WHERE key = 'machine'", "damaged"),
        ("UPDATE meta SET value = '{' WHERE key = 'plan'", "damaged"),
        ("DELETE FROM point WHERE id = 1", "damaged"),
        ("UPDATE visit SET point = 99", "damaged"),
        ("UPDATE visit SET status = 'odd'", "damaged"),
        ("UPDATE visit SET runs = 'many'", "damaged"),
        ("UPDATE sample SET seconds = 'long'", "damaged"),
        ("DROP TABLE sample", "damaged"),
        ("UPDATE visit SET runs = 0", "damaged"),
        ("UPDATE calibration SET point = 99 WHERE point = 2", "names point 99"),
        ("UPDATE calibration SET runs = 0", "calibrated to 0 runs"),
        ("UPDATE calibration SET run_seconds = 0", "damaged"),
        ("UPDATE calibration SET took = 'long'", "damaged"),
        ("UPDATE draw SET point = -1", "names point -1"),
        ("UPDATE draw SET seconds = 'long'", "damaged"),
        ("UPDATE draw SET turn = 0.5", "damaged"),
        ("UPDATE ticks SET steps = x'0001'", "no whole numbers"),
        ("UPDATE ticks SET steps = 8", "damaged"),
        ("UPDATE ticks SET seconds_per_tick = 'fast'", "damaged"),
        ("DROP TABLE ticks", "damaged"),
        ("DELETE FROM meta WHERE key = 'resumptions'", "damaged"),
        ("CREATE VIEW endless AS SELECT 1", "holds what no run file holds"),
    ],
)
def test_a_damaged_or_foreign_file_is_one_sentence(tmp_path: Path, statement: str, complaint: str) -> None:
    file = _valid(tmp_path)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute(statement)
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=complaint):
        read_run(file)


def test_a_truncated_file_text_and_nothing(tmp_path: Path) -> None:
    file = _valid(tmp_path)
    file.write_bytes(file.read_bytes()[:5000])
    text = tmp_path / "b.serialprof"
    text.write_text("hello " * 1000)
    empty = tmp_path / "c.serialprof"
    empty.touch()
    for path in (file, text, empty):
        with pytest.raises(StoreError):
            read_run(path)
    with pytest.raises(StoreError, match="there is no run file"):
        read_run(tmp_path / "d.serialprof")


def test_samples_come_back_by_column_and_are_the_same() -> None:
    first, second = Sample(1.0, 0.5, 0), Sample(2.0, 0.5, 1, "off the CPU", 3, 2e9, None, 5.0, 6.0, 1.0)
    by_column = Samples.of((first, second))
    assert by_column.seconds == [1.0, 2.0] and by_column.disturbed == ["", "off the CPU"]
    assert by_column == (first, second) and (first, second) == by_column and hash(by_column) == hash((first, second))
    assert by_column != (first,) and by_column != 1
    assert by_column[1] == second and by_column[-2] == first and list(by_column) == [first, second]
    assert by_column[:1] == (first,) == by_column.sound and len(by_column.sound) == 1
    assert Samples.of(by_column) is by_column and Samples.of((first,)).sound == (first,)
    assert not Samples()
