# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from serialprof import Affine, Setting, Stepper, Work, Workload, workload
from serialprof.errors import WorkloadError
from serialprof.loading import check_name, load

SOURCE = '''
from helper import start
import serialprof

@serialprof.workload(depth="laps", width="cars", widths=(1, 2), hatch="none")
def race(setting):
    """Drives around."""
    state = [start]
    def lap():
        state[0] += setting.width
    return lap

def bare(setting):
    return lambda: None

number = 7
'''


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "helper.py").write_text("start = 5\n")
    path = tmp_path / "races.py"
    path.write_text(SOURCE)
    return path


def test_a_workload_in_a_file(file: Path) -> None:
    race = load(f"{file}:race")
    assert (race.name, race.summary, race.depth_name, race.width_name) == ("race", "Drives around.", "laps", "cars")
    stepper = race.stepper(Setting(width=3))
    assert isinstance(stepper, Stepper)
    stepper.run(4)


def test_an_undecorated_function_and_a_module(file: Path) -> None:
    assert load(f"{file}:bare").name == "bare"
    assert load("races:race").name == "race"


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("dekode", "unknown workload 'dekode'; did you mean decode"),
        ("zzzzzz", "unknown workload 'zzzzzz'; choose from automaton, barrier"),
        ("nowhere.py:race", "there is no file 'nowhere.py'"),
        ("races:rase", r"has no 'rase'; did you mean race\?"),
        ("races:lap", "has no 'lap'; it declares race"),
        ("races:number", "is a int, no workload"),
    ],
)
@pytest.mark.usefixtures("file")
def test_what_cannot_be_found_is_named(reference: str, complaint: str) -> None:
    with pytest.raises(WorkloadError, match=complaint):
        load(reference)


def test_names_are_checked_without_running_code(tmp_path: Path) -> None:
    trap = tmp_path / "trap.py"
    trap.write_text("raise SystemExit('ran')")
    check_name(f"{trap}:anything")
    check_name("decode")


def test_a_stepper_that_is_none() -> None:
    @workload
    def broken(setting: Setting) -> int:
        return setting.width

    assert isinstance(broken, Workload)
    with pytest.raises(WorkloadError, match="'broken' returned int; return a function"):
        broken.stepper(Setting())


def test_a_step_function_is_called_once_a_step() -> None:
    calls = []

    @workload
    def counting(setting: Setting) -> object:
        return lambda: calls.append(setting.width)

    counting.stepper(Setting(width=2)).run(3)
    assert calls == [2, 2, 2]


def test_missing_modules_are_said() -> None:
    @workload(requires=("no_such_module",))
    def needy(setting: Setting) -> object:
        return lambda: setting

    assert needy.describe("needy").missing == "needs no_such_module, which is not installed"


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ({"widths": (1, 0)}, r"widths = \(1, 0\) is no list of whole numbers from 1"),
        ({"widths": (1, 2.5)}, "widths = .* holds something that is no whole number"),
        ({"widths": ()}, "widths"),
        ({"widths": (2**70,)}, "widths"),
        ({"default_depth": 0}, r"default_depth = \[0\]"),
        ({"depth": 64}, "depth = 64 is no text; give the number as default_depth"),
        ({"width": 8}, "width = 8 is no text; give the number as widths"),
        ({"parameters": {"sizes": [1]}}, r"parameter sizes = \[1\] is no number and no text"),
        ({"parameters": {"size": float("nan")}}, "parameter size = nan"),
    ],
)
def test_a_declaration_is_checked_where_it_stands(declared: dict[str, Any], complaint: str) -> None:
    with pytest.raises(WorkloadError, match=complaint):
        workload(**declared)(lambda setting: lambda: None)


def test_a_step_can_be_cut_into_as_many_lanes_as_it_is_wide_unless_declared() -> None:
    work = Work(serial_ops=1, flops=Affine(), bytes=Affine(), footprint=Affine())
    assert work.lanes.at(64) == 64


def test_affine() -> None:
    assert Affine(2, 3).at(4) == 14


LOADS = Work(
    1,
    Affine(1, 2),
    Affine(3, 4),
    Affine(5, 6),
    Affine(7, 8),
    9,
    serial_loads=10,
    loads=Affine(11, 12),
    written=Affine(2, 4),
)


def test_checked_work_keeps_every_quantity() -> None:
    assert LOADS.checked() == LOADS
    assert isinstance(LOADS.checked().loads.per_lane, float)
    assert isinstance(LOADS.checked().written, Affine) and isinstance(LOADS.checked().written.fixed, float)
    assert replace(LOADS, written=None).checked().written is None, "undeclared is not nothing"
    assert replace(LOADS, written=Affine(4, 3)).checked().written == Affine(4, 3), "no more at any width from 1 on"


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"serial_loads": -1}, "its declared serial_loads is -1, no finite number from 0 on"),
        ({"loads": Affine(0, float("nan"))}, "its declared loads is nan"),
        ({"loads": Affine(float("inf"))}, "its declared loads is inf"),
        ({"serial_ops": -1}, "its declared serial_ops is -1"),
        ({"flops": Affine(-1)}, "its declared flops is -1"),
        ({"written": Affine(0, -1)}, "its declared written is -1"),
        ({"written": Affine(4, 4)}, "its declared written exceeds its bytes"),
        ({"written": Affine(0, 4.5)}, "its declared written exceeds its bytes"),
    ],
)
def test_work_that_is_no_amount_is_refused(changed: dict[str, Any], complaint: str) -> None:
    with pytest.raises(WorkloadError, match=complaint):
        replace(LOADS, **changed).checked()


def test_work_that_was_stored_before_loads_were_declared_has_none() -> None:
    parts = {name: {"fixed": 0.0, "per_lane": 1.0} for name in ("flops", "bytes", "footprint", "lanes")}
    work = msgspec.convert({"serial_ops": 5.0, **parts, "barriers": 2}, Work)
    assert (work.serial_loads, work.loads, work.written) == (0.0, Affine(), None)
    assert msgspec.json.decode(msgspec.json.encode(LOADS), type=Work) == LOADS
