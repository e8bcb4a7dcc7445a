# SPDX-License-Identifier: Apache-2.0
"""Commits, changes and checkouts of real repositories; what is said where there is none."""

from pathlib import Path

import pytest

from serialprof.gating.repository import UnavailableError, open_repository
from tests.gating.clones import commit, git, two_commits, worktrees


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    two_commits(tmp_path / "clone")
    return tmp_path / "clone"


def test_names_of_commits(tmp_path: Path) -> None:
    first, second = two_commits(tmp_path / "clone")
    repository = open_repository(tmp_path / "clone")
    assert repository.commit("HEAD~1") == first
    assert repository.commit("main") == repository.commit(second[:9]) == second
    with pytest.raises(UnavailableError, match="no commit 'elsewhere'"):
        repository.commit("elsewhere")
    with pytest.raises(UnavailableError, match="no commit '--all'"):
        repository.commit("--all")


def test_a_folder_below_the_root_is_remembered(clone: Path) -> None:
    assert open_repository(clone).prefix == "."
    below = open_repository(clone / "mine")
    assert below.prefix == "mine"
    assert below.common == open_repository(clone).common == clone.resolve() / ".git"


def test_a_shallow_clone_says_what_fetches_the_commit(clone: Path, tmp_path: Path) -> None:
    git(clone, "branch", "older", "HEAD~1")
    git(tmp_path, "clone", "--depth=1", clone.as_uri(), "shallow")
    repository = open_repository(tmp_path / "shallow")
    with pytest.raises(UnavailableError, match="shallow clone without 'origin/older'") as refused:
        repository.commit("origin/older")
    command = "git fetch --depth=1 origin older:refs/remotes/origin/older"
    assert command in refused.value.remedy
    assert "fetch-depth: 0" in refused.value.remedy
    git(tmp_path / "shallow", *command.split()[1:])
    assert repository.commit("origin/older") == git(clone, "rev-parse", "older")
    with pytest.raises(UnavailableError) as refused:
        repository.commit("HEAD~1")
    assert "git fetch --unshallow" in refused.value.remedy


def test_only_tracked_files_make_it_dirty(clone: Path) -> None:
    repository = open_repository(clone)
    (clone / "new.py").write_text("")
    assert not repository.is_dirty()
    (clone / "bench.py").write_text("")
    assert repository.is_dirty()


def test_a_checkout_leaves_its_files_and_no_worktree(clone: Path, tmp_path: Path) -> None:
    repository, place = open_repository(clone), tmp_path / "place"
    with repository.checkout(repository.commit("HEAD~1"), place):
        assert len(worktrees(clone)) == 2
        assert git(place, "rev-parse", "HEAD") == git(clone, "rev-parse", "HEAD~1")
    assert (place / "mine" / "__init__.py").read_text().startswith("VALUE = 1")
    assert not (place / ".git").exists()
    assert len(worktrees(clone)) == 1
    assert not (clone / ".git" / "worktrees").exists()


def test_worktrees_of_others_stay(clone: Path, tmp_path: Path) -> None:
    git(clone, "worktree", "add", "--detach", str(tmp_path / "theirs"))
    git(clone, "worktree", "add", "--detach", str(tmp_path / "unmounted"))
    (tmp_path / "unmounted").rename(tmp_path / "away")
    with open_repository(clone).checkout("HEAD", tmp_path / "place"):
        pass
    assert len(worktrees(clone)) == 3


def test_a_checkout_that_is_interrupted_leaves_no_worktree(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_repository(clone).checkout("HEAD", tmp_path / "place"):
        raise KeyboardInterrupt
    assert len(worktrees(clone)) == 1


def test_a_checkout_that_cannot_be_made_says_why(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "file").touch()
    with (
        pytest.raises(UnavailableError, match="already exists"),
        open_repository(clone).checkout("HEAD", tmp_path / "place"),
    ):
        pass
    assert (tmp_path / "place" / "file").exists()


def test_hooks_do_not_run(clone: Path, tmp_path: Path) -> None:
    hook = clone / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    with open_repository(clone).checkout("HEAD", tmp_path / "place"):
        pass
    assert not (tmp_path / "ran").exists()


def test_in_a_hook_the_folder_counts(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_commits(tmp_path / "other")
    there = commit(tmp_path / "other", {"there.py": ""})
    here = git(clone, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    repository = open_repository(clone)
    assert repository.root == clone.resolve()
    assert repository.commit("HEAD") == here != there


def test_changes_are_put_over_a_checkout(clone: Path, tmp_path: Path) -> None:
    commit(clone, {"gone.py": "", ".gitignore": "ignored\n"})
    (clone / "gone.py").unlink()
    (clone / "bench.py").write_text("changed")
    (clone / "deeper").mkdir()
    (clone / "deeper" / "näw.py").write_text("new")
    (clone / "ignored").touch()
    (clone / "link").symlink_to("bench.py")
    repository, place = open_repository(clone / "mine"), tmp_path / "place"
    with repository.checkout("HEAD", place):
        repository.copy_changes(place)
    assert (place / "bench.py").read_text() == "changed"
    assert (place / "deeper" / "näw.py").read_text() == "new"
    assert (place / "link").readlink() == Path("bench.py")
    assert not (place / "gone.py").exists()
    assert not (place / "ignored").exists()


def test_outside_of_any_repository(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="in no git repository"):
        open_repository(tmp_path)


def test_without_git(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="git cannot be started") as refused:
        open_repository(clone)
    assert refused.value.remedy == "install git"
