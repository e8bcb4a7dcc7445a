# SPDX-License-Identifier: Apache-2.0
"""Which progress suits whom, and what each shows."""

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from serialprof import progress
from serialprof.measure.roles import Progress
from serialprof.progress import Bar, InNotebook, Lines, Quiet, fitting
from tests import made

POINT = made.points(widths=(1 << 16,))[0]
CALIBRATING = Progress("calibrating", POINT, 3, 10)
SAMPLING = Progress("sampling", POINT, 2.0, 8.0, 6.4)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Cell:
    """Stands in for IPython's display: keeps what an output showed, one after the other."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> "Cell":
        assert raw and display_id and not self.shown, "there is one output"
        self.shown.append(bundle)
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        self.shown.append(bundle)

    @property
    def texts(self) -> list[str]:
        return [bundle["text/plain"] for bundle in self.shown]


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """A kernel's cell, and its clock, which stands still."""
    cell = Cell()
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[misc]
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=cell.display))  # type: ignore[misc]
    monkeypatch.setattr(progress.time, "monotonic", lambda: 100.0)
    return cell


def tick(monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)


def test_a_kernel_has_its_own_progress_a_terminal_a_bar_and_all_others_none(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert type(fitting()) is InNotebook
    for shell in (None, SimpleNamespace()):  # IPython that is only imported, or that runs on a terminal

        def get_ipython(shell: Any = shell) -> Any:
            return shell

        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=get_ipython))  # type: ignore[misc]
        monkeypatch.setattr(sys, "stderr", Terminal())
        assert type(fitting()) is Bar
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        assert type(fitting()) is Quiet
    monkeypatch.delitem(sys.modules, "IPython")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("CI", "true")
    assert type(fitting()) is Quiet


def everything(shown: Quiet) -> None:
    with shown:
        shown.stage("measuring this machine's limits")
        shown.note("skipped: needy needs torch")
        shown.warn("given back")
        shown.report(CALIBRATING)
        shown.report(SAMPLING)


def test_where_nothing_is_shown_notes_are_told_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    everything(Quiet())
    assert capsys.readouterr() == ("", "skipped: needy needs torch\nclocks: given back\n")


def test_lines_say_each_stage_once(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Lines()
    everything(shown)
    shown.report(SAMPLING)
    assert capsys.readouterr().err.splitlines() == [
        "measuring this machine's limits ...",
        "skipped: needy needs torch",
        "clocks: given back",
        "calibrating 10 points ...",
        "sampling 8.00 s ...",
    ]


def test_a_terminal_s_bar_says_what_is_measured_and_how_long_it_takes_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    everything(Bar())
    for text in ("calibrating toy W=64 Ki p=1 serial", "3/10", "at most 6 s left", "skipped: needy needs torch"):
        assert text in terminal.getvalue()


def test_a_cell_s_output_is_updated_in_place_and_keeps_what_was_noted(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = InNotebook()
    with shown:
        shown.stage("measuring <limits>")
        shown.note("skipped: <b>")
        tick(monkeypatch, 101.0)
        shown.report(SAMPLING)
        tick(monkeypatch, 103.5)
    assert cell.texts == [
        "beginning",
        "measuring <limits> ...",
        "measuring <limits> ...\nskipped: <b>",
        "sampling toy W=64 Ki p=1 serial, at most 6 s left\nskipped: <b>",
        "measured in 3.50 s\nskipped: <b>",
    ]
    assert 'value="0.250"' in cell.shown[3]["text/html"]
    assert "&lt;limits&gt;" in cell.shown[1]["text/html"] and "&lt;b&gt;" in cell.shown[4]["text/html"]


def test_it_is_updated_twice_a_second_at_most(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    with InNotebook() as shown:
        for visit in range(1000):  # three milliseconds each
            tick(monkeypatch, 100 + 0.003 * visit)
            shown.report(SAMPLING)
    assert len([text for text in cell.texts if text.startswith("sampling")]) == 5


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_ended_early_says_so(error: Callable[[], BaseException], cell: Cell) -> None:
    with pytest.raises(BaseException), InNotebook():  # noqa: B017
        raise error()
    assert cell.texts[-1] == "stopped after 0 s"
