# SPDX-License-Identifier: Apache-2.0
"""Environments of commits: a checkout and a virtual environment that it was installed into, kept between gates.

    CACHE/gate/REPOSITORY/lock                  one gate at a time builds
    CACHE/gate/REPOSITORY/COMMIT-RECIPE/source  the files of the commit
                                        env     the virtual environment
                                        lent    links to the running serialprof, where the environment has none
                                        log     what was printed while it was built
                                        ready   written last; its time is that of the last use

All names have the same length for all commits and recipes: how long a path is moves what is timed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serialprof.gating.compilers import wrap_compilers
from serialprof.gating.interpreters import Interpreter, look_at
from serialprof.gating.lending import lend
from serialprof.gating.repository import Repository, UnavailableError, without_git

#: Environments of a repository that are kept, the last used ones, and seconds for which any is after it was used:
#: as long, another gate may be at work with it.
_KEPT: Final = 8
_IN_USE: Final = 3600.0
#: How a virtual environment is made. -P: the checkout may hold a random.py, which must not be found first.
_VENV: Final = ("-P", "-m", "venv")
#: Lines and characters of an installer's output in a message.
_LINES, _CHARACTERS = 8, 200
#: Variables by which the environment that serialprof runs in would reach into the one that is built.
_OF_PYTHON: Final = ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__")
#: Variables by which compilers are chosen and told what to do.
_OF_BUILDS: Final = ("CC", "CXX", "CPPFLAGS", "CFLAGS", "CXXFLAGS", "LDFLAGS", "RUSTFLAGS", "CMAKE_ARGS")
_CHANGED: Final = "tree"  # begins the name of what is built from files that are not committed, in place of a commit


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a checkout is installed.

    Attributes:
        install: a shell command, run in the checkout with the environment's programs first on PATH.
        flags: that compilers are given beside those of the build, empty for none.
    """

    install: str
    flags: str = ""

    def mark(self, prefix: str) -> str:
        """Eight characters that differ where recipe, folder below the root, Python or compilers differ."""
        parts = (self.install, self.flags, prefix, sys.version, sys.base_prefix, *_build_tools())
        return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Environment:
    """One entry of the cache.

    Attributes:
        entry: the folder that holds everything.
        prefix: the folder below the checkout in which the gate was asked for.
    """

    entry: Path
    prefix: str

    @property
    def source(self) -> Path:
        """The checkout."""
        return self.entry / "source"

    @property
    def folder(self) -> Path:
        """The folder of the checkout in which commands run and files are found."""
        return self.source / self.prefix

    @property
    def programs(self) -> Path:
        """The folder of the environment's programs."""
        return self.entry / "env" / "bin"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.programs / "python"

    @property
    def ready(self) -> Path:
        """The mark of what was built to its end."""
        return self.entry / "ready"

    @property
    def lent(self) -> Path:
        """The folder of links to the running serialprof."""
        return self.entry / "lent"

    @property
    def wrappers(self) -> Path:
        """The folder of compilers that are given more flags."""
        return self.entry / "compilers"

    @property
    def log(self) -> Path:
        """What was printed while it was built."""
        return self.entry / "log"

    @property
    def built(self) -> float:
        """When the last was printed: seconds since the epoch."""
        return self.log.stat().st_mtime

    def packages(self) -> set[str]:
        """Names with versions of what is installed, without what was installed from the checkout."""
        found = self.entry.glob("env/lib*/python*/site-packages/*.dist-info")
        return {package.stem for package in found if not (package / "direct_url.json").exists()}


@dataclass(frozen=True, slots=True)
class Environments:
    """The cache of a repository's environments.

    Attributes:
        repository: whose commits are built.
        folder: of the entries.
    """

    repository: Repository
    folder: Path

    def get(self, commit: str, recipe: Recipe, *, changed: bool = False, anew: bool = False) -> Environment:
        """The environment of a commit, built where it is not there yet. It has a serialprof that can take part.

        Args:
            commit: its whole name.
            recipe: how it is installed.
            changed: whether what is not committed goes with it; it is then built anew in any case.
            anew: whether it is built although it is there.

        Raises:
            UnavailableError: it cannot be built, or has an unfit serialprof.
        """
        name = f"{_CHANGED}{os.getpid():08x}" if changed else commit[:12]
        environment = Environment(self.folder / f"{name}-{recipe.mark(self.repository.prefix)}", self.repository.prefix)
        try:
            with self._locked():
                self.repository.forget_worktrees(self.folder)
                interpreter = None if changed or anew else _existing(environment)
                interpreter = interpreter or self._build(environment, commit, recipe, changed=changed)
                if not interpreter.has_serialprof or environment.lent.exists():
                    lend(interpreter, environment.lent)
                if not interpreter.has_serialprof or interpreter.lacks:
                    interpreter = look_at(environment.python)
                interpreter.check()
                environment.ready.touch()
                self._prune(environment)
        except OSError as error:
            raise UnavailableError(
                f"cannot write {error.filename or self.folder}: {error.strerror}",
                "set XDG_CACHE_HOME to a folder that can be written",
            ) from None
        return environment

    def _build(self, environment: Environment, commit: str, recipe: Recipe, *, changed: bool) -> Interpreter:
        """A new environment; what was there, such as one half built, goes first."""
        with suppress(FileNotFoundError):
            shutil.rmtree(environment.entry)
        environment.entry.mkdir()
        with self.repository.checkout(commit, environment.source):
            if changed:
                self.repository.copy_changes(environment.source)
            if not environment.folder.is_dir():
                raise UnavailableError(f"{commit[:12]} has no folder {environment.prefix}")
            venv = [sys.executable, *_VENV, str(environment.entry / "env")]
            variables = _variables(environment, recipe)
            _run("python -m venv", venv, environment, variables)
            _run(recipe.install, ["/bin/sh", "-c", recipe.install], environment, variables)
        return look_at(environment.python)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _prune(self, current: Environment) -> None:
        """Removes what is half built, and of what was not used for a while all but the last used ones."""
        used: dict[Path, float] = {}
        for entry in self.folder.glob("*-*/"):
            ready = entry / "ready"
            used[entry] = ready.stat().st_mtime if ready.exists() else 0.0
        kept = [entry for entry in sorted(used, key=used.__getitem__) if not entry.name.startswith(_CHANGED)][-_KEPT:]
        for entry in used.keys() - {current.entry}:
            if used[entry] == 0 or (entry not in kept and used[entry] < time.time() - _IN_USE):
                shutil.rmtree(entry, ignore_errors=True)


def open_environments(repository: Repository, cache: Path | None = None) -> Environments:
    """The cache of a repository's environments.

    Args:
        repository: whose commits are built.
        cache: folder of all repositories' entries, None for the one in the user's cache folder.
    """
    if cache is None:
        import platformdirs

        cache = platformdirs.user_cache_path("serialprof") / "gate"
    mark = hashlib.sha256(os.fsencode(repository.common)).hexdigest()[:12]
    return Environments(repository, cache.resolve() / mark)


def _existing(environment: Environment) -> Interpreter | None:
    """The interpreter of an environment that was built to its end and still starts."""
    if environment.ready.is_file():
        with suppress(UnavailableError):
            return look_at(environment.python)
    return None


def _build_tools() -> Iterator[str]:
    """What builds depend on beside the checkout: variables, and the compilers by which file they are."""
    for name in _OF_BUILDS:
        yield os.environ.get(name, "")
    for name in ("cc", "c++"):
        compiler = shutil.which(name)
        if compiler is not None:
            about = Path(compiler).resolve().stat()
            yield f"{Path(compiler).resolve()} {about.st_size} {about.st_mtime_ns}"


def _variables(environment: Environment, recipe: Recipe) -> dict[str, str]:
    """The environment of the install command."""
    variables = {name: value for name, value in without_git(dict(os.environ)).items() if name not in _OF_PYTHON}
    path = f"{environment.programs}{os.pathsep}{variables.get('PATH', os.defpath)}"
    if recipe.flags:
        wrap_compilers(environment.wrappers, recipe.flags, path)
        path = f"{environment.wrappers}{os.pathsep}{path}"
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return quiet | variables | {"VIRTUAL_ENV": str(environment.entry / "env"), "PATH": path}


def _run(name: str, command: list[str], environment: Environment, variables: dict[str, str]) -> None:
    """Runs a part of the build in the checkout; raises an UnavailableError with its last words where it fails."""
    with environment.log.open("a") as log:
        process = subprocess.Popen(
            command,
            cwd=environment.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends whatever the command started
        )
        try:
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if code != 0:
        lines = [line.strip() for line in environment.log.read_text(errors="replace").splitlines() if line.strip()]
        last = "".join(f"\n{line[:_CHARACTERS]}" for line in lines[-_LINES:])
        raise UnavailableError(f"{name!r} ended with exit code {code}{last}", f"all of it is in {environment.log}")
