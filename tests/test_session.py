# SPDX-License-Identifier: Apache-2.0
"""serialprof.run as a program uses it, on a small workload of a file."""

import subprocess
import sys
from pathlib import Path

import pytest

import serialprof
from serialprof.errors import WorkloadError
from serialprof.planning import Request
from serialprof.preparation import prepare
from serialprof.setting import ParameterValue
from serialprof_reports.wording import command_line

SOURCE = """
import serialprof

@serialprof.workload(widths=(1, 2, 3, 4), default_depth=2)
def spin(setting):
    return lambda: sum(range(100 * setting.width))

@serialprof.workload(requires=("no_such_module",))
def needy(setting):
    return lambda: None

@serialprof.workload(min_threads=4096)
def crowd(setting):
    return lambda: None
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sessions.py"
    path.write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return path


def test_a_decorated_function_of_a_module_is_run_by_its_file(file: Path, tmp_path: Path) -> None:
    import sessions  # type: ignore[import-not-found]

    run = serialprof.run(
        sessions.spin, widths=[1, 2], threads=[1], budget=0.3, quick=True, output=tmp_path / "a.serialprof"
    )
    assert run.points["width"].tolist() == [1, 2]
    assert run.stored.command == (
        "serialprof.run",
        f"workloads={(f'{file}:spin',)!r}",
        "quick=True",
        "widths=[1, 2]",
        "threads=[1]",
        "budget=0.3",
        f"output={str(tmp_path / 'a.serialprof')!r}",
    )
    assert command_line(run.stored).startswith(f"serialprof.run(workloads=('{file}:spin',), quick=True, ")
    assert serialprof.load(tmp_path / "a.serialprof").stored == run.stored


def test_what_cannot_run_here_is_skipped_with_its_reason(file: Path) -> None:
    prepared = prepare(Request((f"{file}:spin", f"{file}:needy", f"{file}:crowd"), threads=(1,)))
    assert {point.workload for point in prepared.plan.points} == {f"{file}:spin"}
    assert prepared.skipped["needy"] == "needs no_such_module, which is not installed"
    assert prepared.skipped["crowd"].startswith("needs 4096 threads")
    with pytest.raises(WorkloadError, match="nothing to measure: needy needs no_such_module"):
        prepare(Request((f"{file}:needy",)))


def test_the_code_hash_covers_the_workload_s_source(file: Path) -> None:
    request = Request((f"{file}:spin",), threads=(1,))
    before = prepare(request).code
    assert prepare(request).code == before
    file.write_text(SOURCE.replace("range(100", "range(101"))
    assert prepare(request).code != before


def test_the_same_workload_twice_is_measured_once(file: Path) -> None:
    assert len(prepare(Request((f"{file}:spin",) * 2, threads=(1,))).plan.points) == 4


@pytest.mark.parametrize(
    ("workload", "widths", "parameters", "complaint"),
    [
        ("life", (100,), {}, "width = 100 is no positive multiple of 64"),
        ("rule110", (100,), {}, "width = 100 is no positive multiple of 64"),
        ("decode", None, {"heads": 3}, "heads = 3 does not divide model_dim = 256"),
        ("decode", None, {"layers": 1.5}, "layers = 1.5 is no whole number from 1 on"),
        ("lstm", None, {"hidden": 0}, "hidden = 0 is no whole number from 1 on"),
        ("chain", None, {"operation": "root"}, "operation = 'root' is none of add, multiply, fma, divide"),
        ("planted", None, {"share": 2.0}, "share = 2"),
        ("chase", None, {"footprint": -1}, "footprint = -1 is no whole number"),
    ],
)
def test_what_a_workload_refuses_is_said_before_anything_is_measured(
    workload: str, widths: tuple[int, ...] | None, parameters: dict[str, ParameterValue], complaint: str
) -> None:
    with pytest.raises(WorkloadError, match=complaint):
        prepare(Request((workload,), widths=widths, threads=(1,), parameters=parameters))


def test_a_script_without_a_guard_cannot_start_a_profile_in_its_own_workers(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        SOURCE.partition("@serialprof.workload(requires")[0] + "serialprof.run([spin], threads=[1], budget=1)\n"
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'put the call under `if __name__ == "__main__":`' in done.stderr
    assert list(tmp_path.glob("*.serialprof")) == []
