# SPDX-License-Identifier: Apache-2.0
"""serialprof.run beside its keywords: workloads in every shape, what is told, interrupts, and going on."""

import sys
from pathlib import Path
from typing import Any, Final

import pytest

import serialprof
from serialprof import calling, handover
from serialprof.asking import references_of
from serialprof.errors import InterruptedRunError, UsageError, WorkloadError
from serialprof.measure.roles import Progress
from serialprof.progress import Quiet
from serialprof.store import read_run

SOURCE: Final = """
import functools
import serialprof

@serialprof.workload(default_depth=2)
def decorated(setting):
    return lambda: sum(range(100 * setting.width))

def plain(setting):
    return lambda: sum(range(100 * setting.width))

@serialprof.workload(requires=("no_such_module",))
def needy(setting):
    return lambda: None

part = functools.partial(plain)
"""
BRIEFLY: Final[dict[str, Any]] = {"widths": [1, 2], "threads": 1, "quick": True, "stand_ins": False}


@pytest.fixture
def shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "shapes.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    import shapes  # type: ignore[import-not-found]

    yield shapes
    del sys.modules["shapes"]


def closed(name: str = "closed") -> serialprof.Workload:
    @serialprof.workload(name=name, default_depth=2)
    def build(setting: serialprof.Setting) -> object:
        return lambda: sum(range(100 * setting.width))

    return build


def test_what_stands_in_a_file_is_named_by_it_whether_decorated_or_not(shapes: Any) -> None:
    file = shapes.__file__
    assert references_of([shapes.decorated, shapes.plain, "lstm"]) == (f"{file}:decorated", f"{file}:plain", "lstm")


def test_what_stands_in_none_is_handed_over(shapes: Any) -> None:
    assert references_of(closed()) == ("__main__:closed",)
    assert references_of(shapes.part) == ("__main__:partial",), "a partial's function is not its own"
    assert references_of(lambda setting: None) == ("__main__:<lambda>",)
    exec("def typed(setting): return None", vars(shapes))  # at a prompt, after the file had run
    assert references_of(shapes.typed) == ("__main__:typed",)


def test_two_of_one_name_are_refused_and_one_twice_is_one() -> None:
    one = closed()
    assert references_of([one, one]) == ("__main__:closed",)
    with pytest.raises(WorkloadError, match="two workloads are called 'closed'; give each a name"):
        references_of([one, closed()])
    assert references_of([one, closed("other")]) == ("__main__:closed", "__main__:other")


class Impatient(Quiet):
    """Interrupts a run at its third sample, as a kernel or Ctrl-C does, and keeps what was told."""

    notes: Final[list[str]] = []

    def __init__(self) -> None:
        self.left = 3

    def note(self, text: str) -> None:
        self.notes.append(text)

    def report(self, progress: Progress) -> None:
        self.left -= progress.stage == "sampling"
        if not self.left:
            raise KeyboardInterrupt


def test_an_interrupted_run_says_how_to_go_on_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.serialprof"
    with monkeypatch.context() as patch:
        patch.setattr(calling, "fitting", Impatient)
        with pytest.raises(InterruptedRunError) as caught:
            serialprof.run(closed(), budget=2, precision=1e-6, output=path, **BRIEFLY)
    assert caught.value.remedy == (
        f"go on with serialprof.run(resume={str(path)!r}), or look at it with serialprof.load({str(path)!r})"
    )
    assert (read_run(path).status, len(serialprof.load(path).visits)) == ("interrupted", 2)
    handover.forget("__main__:closed")  # the kernel was restarted
    with pytest.raises(
        WorkloadError, match=r"'closed' was defined in a notebook .* serialprof.run\(closed, resume=FILE\)"
    ):
        serialprof.run(resume=path)
    for stranger in ("chain", closed("other")):
        with pytest.raises(UsageError, match=r"plan of its file, so workload .* cannot be given"):
            serialprof.run(stranger, resume=path)
    run = serialprof.run(closed(), resume=path)
    assert run.stored.status == "complete" and len(run.visits) > 2 and not run.failed


def test_what_is_skipped_is_told(shapes: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = serialprof.run([shapes.plain, shapes.needy], budget=0.3, output=tmp_path / "a.serialprof", **BRIEFLY)
    assert capsys.readouterr() == ("", "skipped: needy needs no_such_module, which is not installed\n")
    assert set(run.points.workload) == {"plain"}


def test_a_program_is_measured_as_after_two_dashes(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "import sys; sum(range(int(sys.argv[1])))", "{depth}"]
    run = serialprof.run(program=program, depth=100, budget=1, threads=1, quick=True, output=tmp_path / "a.serialprof")
    assert {point.setting.mode for point in run.stored.plan.points} == {"process"}


def test_a_file_that_is_there_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "a.serialprof").write_text("mine")
    with pytest.raises(serialprof.SerialprofError, match=r"a\.serialprof exists"):
        serialprof.run("chain", output=tmp_path / "a.serialprof", **BRIEFLY)
    assert (tmp_path / "a.serialprof").read_text() == "mine"
