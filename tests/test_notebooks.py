# SPDX-License-Identifier: Apache-2.0
"""serialprof in real kernels: functions of the notebook, progress in place, interrupts, and what cells show."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest
from nbclient import NotebookClient

from serialprof.store import read_run

#: Workloads as people write them in a cell: with a class, a helper, state of the notebook, and without decorator.
DEFINED: Final = """
from dataclasses import dataclass
import serialprof

FACTOR = 3

@dataclass
class Cell:
    value: int
    def advance(self):
        self.value = stepped(self.value)

def stepped(value):
    return (FACTOR * value + 1) % 1009

@serialprof.workload(depth="turns", width="cells", widths=(1, 4, 16, 64), default_depth=8)
def mine(setting):
    "Cells that are advanced one after the other."
    cells = [Cell(number) for number in range(setting.width)]
    def step():
        for cell in cells:
            cell.advance()
    return step

def plain(setting):
    return lambda: sum(range(10 * setting.width))
"""
BRIEFLY: Final = "threads=1, quick=True, stand_ins=False"


class Listening(NotebookClient):  # type: ignore[misc]
    """Executes a notebook, keeps what its outputs were updated to, and lets a test act on each of them."""

    def __init__(self, cells: list[str], folder: Path, act: "Callable[[Listening, str], None] | None" = None) -> None:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        super().__init__(
            notebook,
            kernel_name="python3",
            timeout=240,
            allow_errors=True,
            resources={"metadata": {"path": str(folder)}},
        )
        self.updates: list[str] = []
        self._act = act
        self.execute()

    def process_message(self, message: dict[str, Any], *rest: Any) -> Any:
        if message["msg_type"] == "update_display_data":
            text = message["content"]["data"]["text/plain"]
            self.updates.append(text)
            if self._act is not None:
                self._act(self, text)
        return super().process_message(message, *rest)

    def interrupt(self) -> None:
        asyncio.get_running_loop().create_task(self.km.interrupt_kernel())

    def outputs(self, cell: int) -> list[Any]:
        return list(self.nb.cells[cell].outputs)

    def text(self, cell: int) -> str:
        """What a cell printed and returned, errors included."""
        parts = []
        for output in self.outputs(cell):
            if output.output_type == "error":
                parts.append("\n".join(output.traceback))
            else:
                parts.append(output.get("text") or output["data"]["text/plain"])
        return "\n".join(parts)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Listening:
    folder = tmp_path_factory.mktemp("notebook")
    cells = [
        DEFINED,
        f"run = serialprof.run([mine, plain], budget='4s', output='a.serialprof', {BRIEFLY})",
        "run",
        "run.verdict('mine')",
        "print(*(f'{row.workload}:{row.width}' for row in run.points.itertuples()))",
        "run.failed",
        "serialprof.run(mine, widths='1,none')",
        f"serialprof.run(lambda setting: open('x').__next__, budget='1s', output='b.serialprof', {BRIEFLY}).failed",
        "import threading; lock = threading.Lock()\ndef locked(setting): return lambda: lock\nserialprof.run(locked)",
    ]
    return Listening(cells, folder)


def test_functions_classes_and_state_of_a_notebook_are_measured(measured: Listening) -> None:
    assert measured.text(5) == "()"
    points = [f"{name}:{width}" for name in ("mine", "plain") for width in (1, 4, 16, 64)]
    assert measured.text(4).split() == points


def test_progress_is_one_output_that_is_updated_in_place_and_ends_as_a_line(measured: Listening) -> None:
    (output,) = measured.outputs(1)
    assert output.output_type == "display_data"
    assert output["data"]["text/plain"].startswith("measured in ")
    assert "<progress" not in output["data"]["text/html"]
    stages = [text.partition(" ")[0] for text in measured.updates]
    assert "calibrating" in stages and "sampling" in stages
    assert any("s left" in text for text in measured.updates)


def test_cells_show_runs_and_verdicts_as_html_and_as_short_text(measured: Listening) -> None:
    for cell, kind in ((2, "<serialprof.Run of mine, plain: "), (3, "<Verdict ")):
        (output,) = measured.outputs(cell)
        assert output["data"]["text/html"].startswith('<div class="serialprof">')
        assert output["data"]["text/plain"].startswith(kind)


def test_a_mistake_is_a_sentence_without_frames(measured: Listening) -> None:
    assert measured.text(6) == "UsageError: width 'none' is no whole number from 1 on; write --width 1,4,16,64Ki"
    (output,) = measured.outputs(6)
    assert output.ename == "UsageError"
    assert measured.text(8).startswith("WorkloadError: workload 'locked' cannot be handed to a worker: ")


def test_a_step_that_raises_is_told_and_the_notebook_goes_on(measured: Listening) -> None:
    assert "FileNotFoundError" in measured.text(7)


def test_a_kernel_that_is_interrupted_keeps_what_was_measured_and_goes_on(tmp_path: Path) -> None:
    interrupted: list[str] = []

    def at_the_first_sample(client: Listening, text: str) -> None:
        if text.startswith("sampling") and len(client.updates) > 6 and not interrupted:
            interrupted.append(text)
            client.interrupt()

    call = f"serialprof.run(mine, budget='8s', precision=0.0001, output='a.serialprof', {BRIEFLY})"
    cells = [
        DEFINED,
        call,
        "partial = serialprof.load('a.serialprof'); partial.stored.status, len(partial.samples) > 0",
        "run = serialprof.run(resume='a.serialprof'); run.stored.status, len(run.samples) > len(partial.samples)",
    ]
    done = Listening(cells, tmp_path, at_the_first_sample)
    assert interrupted, done.updates
    assert done.text(1).splitlines()[0].startswith("stopped after ")
    assert done.text(1).splitlines()[1] == (
        "InterruptedRunError: interrupted; what was measured is kept in a.serialprof; go on with "
        "serialprof.run(resume='a.serialprof'), or look at it with serialprof.load('a.serialprof')"
    )
    assert done.text(2) == "('interrupted', True)"
    assert done.text(3).splitlines()[-1] == "('complete', True)"
    assert read_run(tmp_path / "a.serialprof").resumptions


EXAMPLE: Final = Path(__file__).parents[1] / "docs/examples/notebook.ipynb"


def kinds(cells: list[Any]) -> list[list[tuple[str, list[str]]]]:
    """What every code cell gave: kinds of output, and in which forms each is there."""
    return [
        [(output.output_type, sorted(output.get("data", {}))) for output in cell.outputs]
        for cell in cells
        if cell.cell_type == "code"
    ]


def test_the_example_is_executed_and_shows_what_it_says_it_shows(tmp_path: Path) -> None:
    stored = nbformat.read(EXAMPLE, as_version=4)
    nbformat.validate(stored)
    sources = [cell.source for cell in stored.cells if cell.cell_type == "code"]
    (call,) = [source for source in sources if "serialprof.run" in source]
    assert 'budget="40s"' in call
    sources = [source.replace('budget="40s"', 'budget="3s", quick=True') for source in sources]
    executed = Listening(sources, tmp_path)
    for source, now, before in zip(sources, kinds(executed.nb.cells), kinds(stored.cells), strict=True):
        if "attribution(" in source and now == [("error", [])]:
            continue  # three seconds on a busy machine need not give a fit
        assert now == before, source
    assert (tmp_path / "logistic.serialprof").is_file()


def test_the_example_s_outputs_name_no_place_of_this_machine_and_are_quoted_by_the_page() -> None:
    text = EXAMPLE.read_text()
    assert len(text) < 60_000 and "/home" not in text and "/tmp" not in text
    (told,) = [
        output.text for cell in nbformat.read(EXAMPLE, as_version=4).cells for output in cell.get("outputs", [])
        if output.output_type == "stream"
    ]  # fmt: skip
    page = (EXAMPLE.parents[1] / "notebooks.md").read_text()
    assert " ".join(told.split()) in " ".join(page.split())
