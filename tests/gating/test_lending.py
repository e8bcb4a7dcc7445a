# SPDX-License-Identifier: Apache-2.0
"""What is lent, where its links lead, and to whom it cannot be lent."""

import platform
import sys
from pathlib import Path

import pytest

from serialprof.gating import lending
from serialprof.gating.interpreters import Interpreter
from serialprof.gating.lending import lend, loans
from serialprof.gating.repository import UnavailableError


def interpreter(packages: Path, version: str = platform.python_version()) -> Interpreter:
    return Interpreter(Path(sys.executable), version, packages, False, "no serialprof")


def lent(monkeypatch: pytest.MonkeyPatch, folder: Path, **links: tuple[Path, ...]) -> None:
    monkeypatch.setattr(lending, "loans", lambda: links)
    lend(interpreter(folder.parent), folder)


def test_what_workers_import_is_lent_and_extras_are_not() -> None:
    names = set(loans())
    assert {"serialprof", "serialprof_workloads", "msgspec", "numpy", "numpy.libs"} <= names
    assert [name for name in names if name.startswith("serialprof-") and name.endswith(".dist-info")]
    assert not names & {"pytest", "torch", "__pycache__", ".."}


def test_a_package_in_several_places_becomes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("source/__init__.py", "source/room/part.py", "compiled/_native.so"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    source, compiled, folder = tmp_path / "source", tmp_path / "compiled", tmp_path / "lent"
    lent(monkeypatch, folder, mine=(compiled, source), other=(source,))
    assert {path.name for path in (folder / "mine").iterdir()} == {"__init__.py", "room", "_native.so"}
    assert (tmp_path / "zzz-serialprof-lent.pth").read_text() == f"{folder}\n"
    # An install that is not editable has one place, and what is not lent any more goes.
    lent(monkeypatch, folder, mine=(source,))
    assert (folder / "mine").readlink() == source
    assert not (folder / "other").exists()
    lent(monkeypatch, folder, mine=(source, compiled))
    assert (folder / "mine" / "_native.so").exists()
    assert {path.name for path in source.iterdir()} == {"__init__.py", "room"}


def test_another_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"is Python 3\.9 and has no serialprof") as refused:
        lend(interpreter(tmp_path, "3.9.1"), tmp_path / "lent")
    assert refused.value.remedy == "let the install command bring serialprof"
    assert not (tmp_path / "lent").exists()
