# SPDX-License-Identifier: Apache-2.0
"""From options to two sides: built or given, with the exit code of what is missing, and the base built again."""

import subprocess
import sys
from pathlib import Path

import pytest

from serialprof.errors import BaselineError, ExitCode, UsageError
from serialprof.gating import environments as module
from serialprof.gating.contest import Side
from serialprof.gating.sides import BuiltSides, built_sides, given_sides
from tests.gating.clones import INSTALL, commit, git, two_commits, worktrees

KERNELS = """
int zeta(const int *values, int count) {
    int sum = 0;
    for (int i = 0; i < count; i++) sum = 31 * sum + values[i];
    return sum;
}
int middle(int value) { return value ^ 5; }
int alpha(const int *values, int count) {
    int sum = 1;
    while (count-- > 0) sum ^= values[count] * sum;
    return sum;
}
"""
COMPILE = 'cc $CFLAGS -shared -fPIC kernels.c -o "$VIRTUAL_ENV"/lib/kernels.so'


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_VENV", (*module._VENV, "--without-pip"))
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    two_commits(tmp_path / "clone")
    return tmp_path / "clone"


def built(clone: Path, ref: str = "HEAD~1", install: str = INSTALL, **options: bool) -> BuiltSides:
    return built_sides(ref, install, clone, cache=clone.parent / "cache", **options)


def value(side: Side) -> str:
    command = [side.python, "-P", "-c", "import mine; print(mine.VALUE)"]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/").stdout.strip()


def symbols(side: Side) -> dict[str, str]:
    """Addresses of the functions of a side's library, by name."""
    library = Path(side.python).parents[1] / "lib" / "kernels.so"
    lines = subprocess.run(["nm", str(library)], check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split()[2]: line.split()[0] for line in lines if " T " in line}


def test_base_and_head_are_two_commits_built_alike(clone: Path) -> None:
    sides = built(clone)
    assert (sides.base.label, value(sides.base)) == ("base", "1")
    assert (sides.head.label, value(sides.head)) == ("head", "2")
    assert sides.base.commit == git(clone, "rev-parse", "HEAD~1")
    assert sides.head.commit == git(clone, "rev-parse", "HEAD")
    assert len(str(sides.base.folder)) == len(str(sides.head.folder))
    assert (sides.base.folder / "bench.py").exists()


def test_what_both_require_is_of_the_same_release(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install = f'{INSTALL} && mkdir "$(echo "$VIRTUAL_ENV"/lib/python*/site-packages)/dep-$RELEASE.dist-info"'
    monkeypatch.setenv("RELEASE", "1.0")
    built(clone, install=install)
    monkeypatch.setenv("RELEASE", "2.0")
    commit(clone, {"mine/__init__.py": "VALUE = 3\n"})
    sides = built(clone, install=install)
    assert (clone.parent / "count").read_text() == "built\n" * 4
    for side in (sides.base, sides.head):
        packages = Path(side.python).parents[1].glob("lib/python*/site-packages/dep-*")
        assert [package.name for package in packages] == ["dep-2.0.dist-info"]


def test_nothing_is_laid_out_otherwise_without_compiled_files(clone: Path) -> None:
    assert not built(clone).rebuilds()


def test_rebuilds_have_the_same_functions_at_other_places(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFLAGS", "-O2")
    commit(clone, {"kernels.c": KERNELS})
    sides = built(clone, "HEAD", f"{COMPILE} && {INSTALL}")
    rebuilds = sides.rebuilds()
    assert len(rebuilds) == 2
    assert {side.label for side in rebuilds} == {"base"}
    base = symbols(sides.base)
    assert base.keys() == {"zeta", "middle", "alpha"}
    layouts = [base, *map(symbols, rebuilds)]
    assert all(layout.keys() == base.keys() for layout in layouts)
    assert len({tuple(sorted(layout.items())) for layout in layouts}) == 3
    assert sides.rebuilds() is rebuilds
    assert (clone.parent / "count").read_text() == "built\n" * 3
    assert len({len(side.python) for side in (sides.base, *rebuilds)}) == 1


def test_a_rebuild_that_fails_is_told_and_left_out(clone: Path) -> None:
    told: list[str] = []
    install = f'case "$PATH" in */compilers:*) echo no such flag; exit 1;; esac; {INSTALL}'
    sides = built_sides("HEAD~1", install, clone, tell=told.append, cache=clone.parent / "cache")
    assert not sides.rebuilds()
    assert [what for what in told if "no such flag" in what]


def test_changes_are_refused_or_built(clone: Path) -> None:
    (clone / "mine" / "__init__.py").write_text("VALUE = 7\n")
    with pytest.raises(UsageError, match="changes that are not committed"):
        built(clone)
    head = built(clone, allow_dirty=True).head
    assert value(head) == "7"
    assert head.commit == f"{git(clone, 'rev-parse', 'HEAD')}-dirty"
    assert len(worktrees(clone)) == 1


def test_new_files_are_no_changes_but_come_along_where_these_may(clone: Path) -> None:
    (clone / "notes").touch()
    assert not built(clone).head.commit.endswith("-dirty")
    assert not (built(clone).head.folder / "notes").exists()
    assert (built(clone, allow_dirty=True).head.folder / "notes").exists()


@pytest.mark.parametrize(
    ("ref", "install", "reason"),
    [("HEAD~1", "echo no compiler; exit 1", "no compiler"), ("elsewhere", INSTALL, "no commit 'elsewhere'")],
)
def test_a_base_that_cannot_be_had(clone: Path, ref: str, install: str, reason: str) -> None:
    with pytest.raises(BaselineError, match=f"(?s)^base: .*{reason}") as refused:
        built(clone, ref, install)
    assert refused.value.exit_code == ExitCode.NO_BASELINE
    assert len(worktrees(clone)) == 1


def test_a_head_that_cannot_be_built(clone: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)^head: .*only once") as refused:
        built(clone, install=f"grep -q 'VALUE = 1' mine/__init__.py || {{ echo only once; exit 1; }}; {INSTALL}")
    assert refused.value.exit_code == ExitCode.USAGE
    assert len(worktrees(clone)) == 1


def test_no_repository_and_no_git(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BaselineError, match="in no git repository"):
        built_sides("main", INSTALL, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BaselineError, match="git cannot be started"):
        built(clone)


def test_given_interpreters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    base, head = given_sides(sys.executable, Path(sys.executable).name, tmp_path)
    assert base.python == head.python == sys.executable
    assert base.folder == head.folder == tmp_path.resolve()
    # The link of a virtual environment is what makes it one.
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "python"
    link.symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"{link} has no serialprof"):
        given_sides(sys.executable, "bin/python", tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no interpreter"),
        ("#!/bin/sh\necho hello", "no Python that works"),
        ("#!/bin/sh\necho broken >&2; exit 1", "no Python that works: broken"),
        ("#!/nowhere/python\n", "cannot be started"),
    ],
)
def test_an_interpreter_that_does_not_do(tmp_path: Path, text: str | None, reason: str) -> None:
    given = tmp_path / "python"
    if text is not None:
        given.write_text(text)
        given.chmod(0o755)
    with pytest.raises(BaselineError, match=f"^base: .*{reason}"):
        given_sides(str(given), sys.executable, tmp_path)
    with pytest.raises(UsageError, match=f"^head: .*{reason}"):
        given_sides(sys.executable, str(given), tmp_path)
