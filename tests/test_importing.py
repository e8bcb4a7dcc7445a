# SPDX-License-Identifier: Apache-2.0
"""Users' projects as workers import them: each in a process of its own."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from serialprof.errors import WorkloadError
from serialprof.importing import dotted_name, near_files
from serialprof.loading import check_name
from serialprof.measure.introspection import Introspector
from serialprof.measure.pool import Pool
from serialprof.planning import Point
from serialprof.setting import Setting

CPU = min(os.sched_getaffinity(0))
#: Says under which name it was imported, and what its neighbour holds.
STEP = """
import serialprof

@serialprof.workload(summary=f"{__name__} {K}")
def step(setting):
    return lambda: None
"""
#: Needs to be found again by its name: by pickle, and by a process that is started afresh.
KNOWN = """
from __future__ import annotations
import multiprocessing, pickle
from dataclasses import dataclass
import serialprof

@dataclass
class State:
    cells: list[float]

def total(state):
    return sum(state.cells)

@serialprof.workload
def step(setting):
    state = pickle.loads(pickle.dumps(State([1.0, 2.0])))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(total, [state]) == [3.0]
    return lambda: total(state)
"""
PROJECT = {
    "helper.py": "K = 1\n",
    "alone.py": f"from helper import K\n{STEP}",
    "random.py": f"K = 2\n{STEP}",
    "my.loop.py": f"from helper import K\n{STEP}",
    "needy.py": "from . import helper\n",
    "known.py": KNOWN,
    "pkg/__init__.py": f"K = 4\n{STEP}\nclass Kept:\n    inner = step\n",
    "pkg/known.py": KNOWN,
    "pkg/helper.py": "K = 3\n",
    "pkg/model.py": "from .helper import K as size\n",
    "pkg/loop.py": f"from . import helper\nfrom .model import size as K\n{STEP}",
    "pkg/broken.py": "import no_such_module\n",
    "pkg/sub/__init__.py": "",
    "pkg/sub/deep.py": f"from ..helper import K\n{STEP}",
    "xmlrpc/__init__.py": "",  # as one of Python's own that nobody has imported yet
    "xmlrpc/loop.py": f"from .helper import K\n{STEP}",
    "xmlrpc/helper.py": "K = 5\n",
    "collections/__init__.py": "",
    "collections/loop.py": STEP,
    "src/lib/__init__.py": "",
    "src/lib/helper.py": "K = 6\n",
    "src/lib/loop.py": f"from .helper import K\n{STEP}",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def summary(reference: str, folder: Path) -> str:
    """What a worker in this folder makes of a workload."""
    with closing(Introspector(reference, CPU, folder=folder)) as introspector:
        return introspector.describe()[0].summary


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("alone.py:step", "alone 1"),
        ("random.py:step", "serialprof_file_random 2"),
        ("my.loop.py:step", "serialprof_file_my.loop 1"),
        ("pkg/loop.py:step", "pkg.loop 3"),
        ("pkg/__init__.py:step", "pkg 4"),
        ("pkg/sub/deep.py:step", "pkg.sub.deep 3"),
        ("xmlrpc/loop.py:step", "xmlrpc.loop 5"),
        ("src/lib/loop.py:step", "lib.loop 6"),
        ("pkg.loop:step", "pkg.loop 3"),
        ("pkg.sub.deep:step", "pkg.sub.deep 3"),
        ("pkg:Kept.inner", "pkg 4"),
        ("lib.loop:step", "lib.loop 6"),
    ],
)
def test_a_file_is_imported_by_the_name_that_it_has_in_its_project(project: Path, reference: str, found: str) -> None:
    assert summary(reference, project) == found


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        (
            "needy.py:step",
            r"needy.py imports relatively, but its folder is no package .*; put an __init__.py beside it",
        ),
        ("collections/loop.py:step", r"is a package 'collections', and another of that name is in use; rename"),
        ("pkg.lop:step", r"there is no module 'pkg.lop'; did you mean pkg.loop\?$"),
        ("pgk.loop:step", r"there is no module 'pgk'; did you mean pkg\?$"),
        ("lob.loop:step", r"there is no module 'lob'; did you mean lib\?$"),
        ("zzz.loop:step", r"there is no module 'zzz'; stand in the folder that holds it, or install it$"),
        (
            "pkg.loop.step:run",
            r"there is no module 'pkg.loop.step': pkg.loop is a module, no package; name what .* as pkg.loop:NAME$",
        ),
        ("pkg.broken:step", r"ModuleNotFoundError: No module named 'no_such_module' \(broken.py, line 1\)"),
        ("pkg.loop:stepp", r"pkg.loop has no 'stepp'; did you mean step\?$"),
    ],
)
def test_what_does_not_import_is_a_sentence_with_what_is_near(project: Path, reference: str, complaint: str) -> None:
    with pytest.raises(WorkloadError, match=complaint):
        summary(reference, project)


@pytest.mark.parametrize("file", ["known.py", "pkg/known.py"])
def test_pickle_and_fresh_processes_find_what_a_users_file_defines(project: Path, file: str) -> None:
    setting = Setting(width=1, depth=3, threads=1, cpus=(CPU,), mode="eager")
    with Pool() as pool:
        assert pool.calibrate(Point(0, f"{project / file}:step", setting), 60.0) > 0


def test_a_package_is_every_folder_above_without_a_gap(project: Path) -> None:
    assert dotted_name(project / "pkg/sub/deep.py") == ("pkg.sub.deep", project)
    assert dotted_name(project / "pkg/sub/__init__.py") == ("pkg.sub", project)
    assert dotted_name(project / "src/lib/loop.py") == ("lib.loop", project / "src")
    (project / "pkg/__init__.py").unlink()
    assert dotted_name(project / "pkg/sub/deep.py") == ("sub.deep", project / "pkg")


def test_a_file_that_is_not_there_is_told_with_those_that_are_near(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    assert near_files(Path("pkg/lop.py")) == ["pkg/loop.py"]
    assert near_files(Path("nowhere/loop.py")) == []
    with pytest.raises(WorkloadError, match=r"there is no file 'pkg/lop.py'; did you mean pkg/loop.py\?$"):
        check_name("pkg/lop.py:step")
    with pytest.raises(WorkloadError, match=r"there is no file 'pkg/zzzzz.py'; give the path of an existing file$"):
        check_name("pkg/zzzzz.py:step")
