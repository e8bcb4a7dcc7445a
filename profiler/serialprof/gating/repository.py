# SPDX-License-Identifier: Apache-2.0
"""The user's git repository: which commits it has, whether it is changed, and the files of a commit in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: What git sets for its hooks: it would send what is asked of one folder to the repository of another.
_OF_HOOKS: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


class UnavailableError(Exception):
    """A side that cannot be had; the message is the reason.

    Attributes:
        remedy: what the user can do about it, empty where there is nothing to say.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as seen from one folder of its work tree.

    Attributes:
        root: the top folder of the work tree.
        common: git's own folder, which all its work trees share.
        prefix: the folder below the root from which it is seen, "." for the root.
    """

    root: Path
    common: Path
    prefix: str

    def commit(self, ref: str) -> str:
        """The whole name of the commit that a branch, a tag or another name stands for.

        Raises:
            UnavailableError: there is none; where the clone is shallow, with what fetches it.
        """
        with suppress(UnavailableError):
            return self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip()
        if self._git("rev-parse", "--is-shallow-repository").strip() != "true":
            raise UnavailableError(f"{self.root} has no commit {ref!r}", "name a branch, a tag or a commit of it")
        raise UnavailableError(
            f"{self.root} is a shallow clone without {ref!r}",
            f"run {self._fetch(ref)} first, or give actions/checkout fetch-depth: 0",
        )

    def is_dirty(self) -> bool:
        """Whether files that git tracks are changed and not committed."""
        return bool(self._git("status", "--porcelain", "--untracked-files=no"))

    def has_changes(self) -> bool:
        """Whether `copy_changes` would copy something: as `is_dirty`, or there are new files."""
        return bool(self._git("status", "--porcelain", "--untracked-files=normal"))

    @contextmanager
    def checkout(self, commit: str, place: Path) -> Iterator[None]:
        """The files of a commit in a new folder, a worktree as long as the context lasts; the files stay there.

        Raises:
            UnavailableError: git cannot write them.
        """
        try:
            # The user's hooks are for the user's own work trees.
            self._git("-c", "core.hooksPath=/dev/null", "worktree", "add", "--force", "--detach", str(place), commit)
            yield
        finally:
            self._forget(place)

    def copy_changes(self, place: Path) -> None:
        """Puts what is not committed, new files included, over a checkout of HEAD; what git ignores is left out."""
        changed = self._git("diff", "--name-only", "--no-renames", "--ignore-submodules", "-z", "HEAD")
        new = self._git("ls-files", "--others", "--exclude-standard", "-z")
        for name in filter(None, (changed + new).split("\0")):
            source, target = self.root / name, place / name
            target.unlink(missing_ok=True)
            if source.is_symlink() or source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)

    def forget_worktrees(self, folder: Path) -> None:
        """Makes git forget the worktrees below a folder: those of a gate that was killed."""
        for line in self._git("worktree", "list", "--porcelain").splitlines():
            place = Path(line.removeprefix("worktree "))
            if line.startswith("worktree ") and place.is_relative_to(folder):
                self._forget(place)

    def _forget(self, place: Path) -> None:
        """Takes a worktree out of git's list. Git would remove its files, too, so they stand aside meanwhile."""
        aside = place.with_name(f"{place.name}.aside")
        with suppress(FileNotFoundError):
            place.rename(aside)
        try:
            with suppress(UnavailableError):  # it did not come so far as to be one
                self._git("worktree", "remove", "--force", "--force", str(place))
        finally:
            with suppress(FileNotFoundError):
                aside.rename(place)
        (place / ".git").unlink(missing_ok=True)

    def _fetch(self, ref: str) -> str:
        """The command that brings a name into a shallow clone."""
        remote, _, branch = ref.partition("/")
        if branch and remote in self._git("remote").split():
            return f"git fetch --depth=1 {remote} {branch}:refs/remotes/{ref}"
        return "git fetch --unshallow"

    def _git(self, *arguments: str) -> str:
        return _git(self.root, *arguments)


def open_repository(folder: Path) -> Repository:
    """The repository whose work tree a folder belongs to.

    Raises:
        UnavailableError: there is no git, or no repository.
    """
    found = _git(folder, "rev-parse", "--show-toplevel", "--git-common-dir")
    root, common = map(Path, found.splitlines())
    return Repository(root, (folder / common).resolve(), str(folder.resolve().relative_to(root.resolve())))


def without_git(environment: dict[str, str]) -> dict[str, str]:
    """An environment without what git sets where it runs a hook."""
    return {name: value for name, value in environment.items() if name not in _OF_HOOKS}


def _git(folder: Path, *arguments: str) -> str:
    """What git prints.

    Raises:
        UnavailableError: there is no git, the folder is in no repository, or git refuses; with git's last words.
    """
    environment = without_git(dict(os.environ)) | {"LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise UnavailableError(f"git cannot be started: {error.strerror}", "install git") from None
    if done.returncode == 0:
        return os.fsdecode(done.stdout)
    said = done.stderr.decode(errors="replace").strip()
    if "not a git repository" in said:
        raise UnavailableError(f"{folder} is in no git repository", "stand in a clone, or give --base-python")
    raise UnavailableError(f"git {arguments[0]}: {said.removeprefix('fatal: ') or 'failed without a word'}")
