# SPDX-License-Identifier: Apache-2.0
"""What a page is put together by leaves behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import made
import pytest

from serialprof.model.results import Analysis
from serialprof_reports.document import uncollected
from serialprof_reports.html import html


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """Every test begins and ends with Python looking for garbage."""
    gc.enable()
    yield
    gc.enable()


def test_python_looks_for_garbage_again_whatever_happens() -> None:
    with pytest.raises(ZeroDivisionError), uncollected():
        assert not gc.isenabled()
        _ = 1 / 0
    assert gc.isenabled()


def test_who_looks_for_none_is_left_at_that() -> None:
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()


def test_a_page_is_made_without_looking_for_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = []
    monkeypatch.setattr("serialprof_reports.html.document", lambda *_, **__: looking.append(gc.isenabled()) or "page")
    assert html(made.view(made.stored_run(), Analysis(()))) == "page"
    assert looking == [False]
    assert gc.isenabled()
