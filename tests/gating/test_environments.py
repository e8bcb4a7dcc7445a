# SPDX-License-Identifier: Apache-2.0
"""Environments of real commits: built once, with a serialprof that answers, and no worktree left behind."""

import fcntl
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from serialprof.gating import environments as module
from serialprof.gating.environments import Environment, Environments, Recipe, open_environments
from serialprof.gating.interpreters import look_at
from serialprof.gating.repository import UnavailableError, open_repository
from serialprof.machine.topology import allowed_cpus
from serialprof.measure.introspection import Introspector
from tests.gating.clones import INSTALL, commit, git, two_commits, worktrees

#: Ctrl-C, once the installer surely is waited for.
INTERRUPT = "sleep 1; kill -INT $PPID"
#: Builds a wheel of the package with the standard library alone, so that pip needs no network.
BACKEND = """
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "mine-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.write("mine/__init__.py")
        wheel.writestr("mine-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: mine\\nVersion: 1\\n")
        wheel.writestr("mine-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("mine-1.dist-info/RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository; environments are made without pip, which takes seconds to install."""
    monkeypatch.setattr(module, "_VENV", (*module._VENV, "--without-pip"))
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    two_commits(tmp_path / "clone")
    return tmp_path / "clone"


@pytest.fixture
def cache(clone: Path, tmp_path: Path) -> Environments:
    return open_environments(open_repository(clone), tmp_path / "cache")


def get(cache: Environments, ref: str = "HEAD", install: str = INSTALL, **options: bool) -> Environment:
    return cache.get(cache.repository.commit(ref), Recipe(install), **options)


def built(tmp_path: Path) -> int:
    """How often the installer ran."""
    return len((tmp_path / "count").read_text().splitlines())


def said(environment: Environment, expression: str) -> str:
    """What the environment's interpreter says, standing elsewhere."""
    command = [str(environment.python), "-P", "-c", f"import mine; print({expression})"]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/").stdout.strip()


def test_commits_are_installed_apart_and_kept(cache: Environments, clone: Path, tmp_path: Path) -> None:
    base, head = get(cache, "HEAD~1"), get(cache)
    assert said(base, "mine.VALUE") == "1"
    assert said(head, "mine.VALUE") == "2"
    assert len(str(base.python)) == len(str(head.python))
    assert len(worktrees(clone)) == 1
    assert built(tmp_path) == 2
    assert get(cache, "HEAD~1") == base
    assert built(tmp_path) == 2


def test_other_flags_are_another_environment(cache: Environments, monkeypatch: pytest.MonkeyPatch) -> None:
    found = get(cache)
    monkeypatch.setenv("CFLAGS", "-O1")
    assert get(cache) != found


def test_workers_answer_with_the_lent_serialprof(cache: Environments) -> None:
    found = get(cache)
    interpreter = look_at(found.python)
    assert interpreter.has_serialprof
    assert not interpreter.lacks
    assert said(found, "__import__('serialprof').__file__").startswith(str(found.lent))
    for reference in (f"{found.folder}/bench.py:step_of", "rule110"):
        asked = Introspector(reference, allowed_cpus()[0], python=str(found.python), folder=found.folder)
        try:
            description, _ = asked.describe()
        finally:
            asked.close()
        assert not description.missing


def test_what_an_environment_has_itself_goes_before_what_is_lent(cache: Environments, clone: Path) -> None:
    commit(clone, {"click.py": "VALUE = 3\n"})
    commit(clone, {"deep/rich.py": "VALUE = 4\n"})
    install = f"""{INSTALL} && cd "$(echo "$VIRTUAL_ENV"/lib/python*/site-packages)" &&
        cp "$OLDPWD"/click.py . && echo "$OLDPWD/deep" > editable.pth"""
    found = get(cache, install=install)
    assert (found.lent / "click").is_symlink()
    assert (found.lent / "rich").is_symlink()
    assert said(found, "__import__('click').VALUE") == "3"
    assert said(found, "__import__('rich').VALUE") == "4"


def test_a_serialprof_that_is_too_old_is_refused(cache: Environments, clone: Path) -> None:
    commit(clone, {"serialprof/__init__.py": ""})
    with pytest.raises(UnavailableError, match="cannot take part in a gate"):
        get(cache, install='cp -r serialprof "$VIRTUAL_ENV"/lib/python*/site-packages/')


def test_links_that_broke_are_made_anew(cache: Environments, tmp_path: Path) -> None:
    found = get(cache)
    (found.lent / "msgspec").unlink()
    (found.lent / "msgspec").symlink_to(tmp_path / "gone")
    assert look_at(found.python).lacks != ""
    assert get(cache) == found
    assert look_at(found.python).lacks == ""
    assert built(tmp_path) == 1


def test_pip_installs_into_it(cache: Environments, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_VENV", ("-P", "-m", "venv"))
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.delenv("PIP_QUIET", raising=False)
    commit(clone, {"backend.py": BACKEND, "pyproject.toml": PROJECT})
    found = get(cache, install='test -z "$PYTHONPATH" && pip install --no-index .')
    assert said(found, "mine.__file__").startswith(str(found.entry / "env"))
    assert "Successfully installed mine-1" in found.log.read_text()


def test_the_command_runs_in_the_folder_of_the_gate(clone: Path, tmp_path: Path) -> None:
    cache = open_environments(open_repository(clone / "mine"), tmp_path / "cache")
    found = get(cache, install='test -e ../.git && cp -r ../mine "$VIRTUAL_ENV"/lib/python*/site-packages/')
    assert found.folder == found.source / "mine"
    assert Recipe("make").mark("mine") != Recipe("make").mark(".")
    assert said(found, "mine.VALUE") == "2"


def test_a_folder_that_the_base_lacks(clone: Path, tmp_path: Path) -> None:
    commit(clone, {"later/setup.cfg": ""})
    cache = open_environments(open_repository(clone / "later"), tmp_path / "cache")
    with pytest.raises(UnavailableError, match="has no folder later"):
        get(cache, "HEAD~1")
    assert len(worktrees(clone)) == 1


def test_an_installer_that_fails_is_quoted(cache: Environments, clone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install = "seq 1000 1099; echo 'no compiler here' >&2; exit 3"
    with pytest.raises(UnavailableError, match=r"ended with exit code 3\n1093\n(.*\n)+no compiler here$") as refused:
        get(cache, install=install)
    log = Path(refused.value.remedy.removeprefix("all of it is in "))
    assert "1000" in log.read_text()
    assert capfd.readouterr() == ("", "")
    assert len(worktrees(clone)) == 1


def test_an_interrupt_leaves_no_worktree(cache: Environments, clone: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        get(cache, install=f"{INTERRUPT}; sleep 20")
    assert len(worktrees(clone)) == 1
    get(cache)
    assert built(tmp_path) == 1


def test_what_an_installer_started_ends_with_an_interrupt(cache: Environments, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        get(cache, install=f"sleep 60 & echo $! > {tmp_path}/child; {INTERRUPT}; wait")
    child = int((tmp_path / "child").read_text())
    end = time.monotonic() + 20
    while _runs(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert not _runs(child)


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_a_killed_gate_left_is_cleaned(cache: Environments, clone: Path, tmp_path: Path) -> None:
    found = get(cache)
    found.ready.unlink()
    half = cache.folder / "0123456789ab-01234567"
    half.mkdir()
    git(clone, "worktree", "add", "--detach", str(half / "source"))
    git(clone, "worktree", "lock", str(half / "source"))
    assert get(cache) == found
    assert built(tmp_path) == 2
    assert len(worktrees(clone)) == 1
    assert not half.exists()


def test_an_environment_whose_python_is_gone_is_built_again(cache: Environments, tmp_path: Path) -> None:
    found = get(cache)
    (found.python).unlink()
    get(cache)
    assert said(found, "mine.VALUE") == "2"
    assert built(tmp_path) == 2


@pytest.mark.parametrize(("in_use", "kept"), [(2, 7), (9, 9)])
def test_the_last_used_ones_are_kept(cache: Environments, in_use: int, kept: int) -> None:
    found = get(cache)
    entries = [cache.folder / f"{number:012}-01234567" for number in range(12)]
    for age, entry in enumerate(entries):
        entry.mkdir()
        (entry / "ready").touch()
        hours = 0.5 if age < in_use else age
        os.utime(entry / "ready", times=(time.time() - 3600 * hours,) * 2)
    get(cache)
    assert [entry for entry in entries if entry.exists()] == entries[:kept]
    assert found.ready.exists()


def test_one_gate_at_a_time_builds(cache: Environments, tmp_path: Path) -> None:
    cache.folder.mkdir(parents=True)
    with (cache.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        other = threading.Thread(target=get, args=(cache,))
        other.start()
        other.join(0.5)
        assert list(cache.folder.iterdir()) == [cache.folder / "lock"]
    other.join()
    assert built(tmp_path) == 1


def test_changes_are_built_anew_each_time(cache: Environments, clone: Path, tmp_path: Path) -> None:
    (clone / "mine" / "__init__.py").write_text("VALUE = 7\n")
    found = get(cache, changed=True)
    assert said(found, "mine.VALUE") == "7"
    assert len(found.entry.name) == len(get(cache).entry.name)
    (clone / "mine" / "__init__.py").write_text("VALUE = 8\n")
    assert said(get(cache, changed=True), "mine.VALUE") == "8"
    assert said(get(cache), "mine.VALUE") == "2"
    assert not (clone / "build").exists()


def test_a_cache_that_cannot_be_written(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    cache = open_environments(open_repository(clone), tmp_path / "cache")
    with pytest.raises(UnavailableError, match=r"cannot write .*cache") as refused:
        get(cache)
    assert "XDG_CACHE_HOME" in refused.value.remedy
