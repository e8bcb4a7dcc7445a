# SPDX-License-Identifier: Apache-2.0
"""`serialprof workload new` and `check` as a user calls them."""

import json
from pathlib import Path

from tests.cli.calling import called

FAILING = """
from serialprof import workload

@workload(widths=(1, 4))
def broken(setting):
    raise RuntimeError("no such thing")
"""


def test_what_new_writes_is_checked_without_a_warning(tmp_path: Path) -> None:
    done = called("workload", "new", "my_loop", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "written: my_loop.py",
        "next:    serialprof workload check my_loop.py:my_loop",
    ]
    checked = called("workload", "check", "my_loop.py:my_loop", "--seconds", "2s", "--json", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    document = json.loads(checked.stdout)
    assert document["name"] == "my_loop" and document["exit_code"] == 0
    assert document["setting"]["parameters"] == {"hidden": 128}
    assert [finding for finding in document["findings"] if finding["severity"] != "note"] == []


def test_new_never_writes_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("keep me")
    done = called("workload", "new", "my_loop", "-o", "mine.py", cwd=tmp_path)
    assert done.returncode == 2 and "mine.py exists" in done.stderr
    assert path.read_text() == "keep me"
    elsewhere = called("workload", "new", "my_loop", "-o", "mine.txt", cwd=tmp_path)
    assert elsewhere.returncode == 2 and "write -o mine.py" in elsewhere.stderr
    refused = called("workload", "new", "my-loop", cwd=tmp_path)
    assert refused.returncode == 2 and "is no name of a Python function" in refused.stderr
    nameless = called("workload", "new", "", cwd=tmp_path)
    assert nameless.returncode == 2 and "'' is no name of a Python function" in nameless.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_workload_that_fails_ends_with_2_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FAILING)
    done = called("workload", "check", "mine.py:broken", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr == ""
    assert "error    fails" in done.stdout
    assert "RuntimeError: no such thing (mine.py, line 6)" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_name_that_is_none_gets_a_near_one(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FAILING)
    for reference, said in (("mine.py:brokn", "broken"), ("lsmt", "lstm"), ("other.py:x", "no file")):
        done = called("workload", "check", reference, cwd=tmp_path)
        assert done.returncode == 2 and said in done.stderr, done
