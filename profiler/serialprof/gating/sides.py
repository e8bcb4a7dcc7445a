# SPDX-License-Identifier: Apache-2.0
"""The two sides of a gate: of environments that are there already, or built from two commits of a repository."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serialprof.errors import BaselineError, HeadError, SerialprofError, UsageError
from serialprof.gating.compilers import LAYOUTS
from serialprof.gating.contest import Side
from serialprof.gating.environments import Environment, Environments, Recipe, open_environments
from serialprof.gating.interpreters import find_interpreter, look_at
from serialprof.gating.repository import UnavailableError, open_repository

Tell = Callable[[str], None]

_ELF: Final = b"\x7fELF"  # begins every compiled file


@dataclass(frozen=True, slots=True)
class BuiltSides:
    """Base and head, built alike.

    Attributes:
        base: of the commit that is compared with.
        head: of the commit that is checked out, or of the files that lie there.
        rebuilds: builds the base again, with its machine code laid out otherwise; called a second time, it only returns
            what it built. Empty where no compiled file came out otherwise.
    """

    base: Side
    head: Side
    rebuilds: Callable[[], Sequence[Side]]


def built_sides(
    base_ref: str,
    install: str,
    folder: Path,
    *,
    allow_dirty: bool = False,
    tell: Tell = lambda what: None,
    cache: Path | None = None,
) -> BuiltSides:
    """Both sides from commits of the repository that a folder lies in.

    Args:
        base_ref: branch, tag or commit of the base.
        install: shell command that installs a checkout into the environment whose programs are first on PATH.
        folder: in which the gate is asked for; the command runs in the same folder of either checkout.
        allow_dirty: whether what is not committed, new files included, goes into the head.
        tell: told in a few words what begins.
        cache: folder of the environments, None for the user's cache folder.

    Raises:
        BaselineError: the base cannot be had.
        HeadError: the head cannot be built.
        UsageError: it has changes that it may not have.
    """
    try:
        repository = open_repository(folder)
        base_commit = repository.commit(base_ref)
    except UnavailableError as error:
        raise _refused("base", error) from None
    environments = open_environments(repository, cache)
    recipe = Recipe(install)
    try:
        head_commit, dirty = repository.commit("HEAD"), repository.is_dirty()
        changed = allow_dirty and repository.has_changes()
    except UnavailableError as error:
        raise _refused("head", error) from None
    if dirty and not allow_dirty:
        raise UsageError(f"{repository.root} has changes that are not committed", "commit them, or give --allow-dirty")
    base, head = _both(environments, base_commit, head_commit, recipe, tell, changed=changed)
    rebuilds = functools.cache(functools.partial(_rebuilds, base, environments, base_commit, recipe, tell))
    return BuiltSides(_side("base", base, base_commit), _side("head", head, head_commit, changed=changed), rebuilds)


def given_sides(base_python: str, head_python: str, folder: Path) -> tuple[Side, Side]:
    """Base and head of environments that are there already.

    Args:
        base_python: the base's interpreter, by path or by name on PATH.
        head_python: the head's, likewise.
        folder: working folder of both.

    Raises:
        BaselineError: the base's interpreter is missing, does not start, or has no serialprof that can take part.
        HeadError: the same of the head's.
    """
    return given_side("base", base_python, folder), given_side("head", head_python, folder)


def given_side(label: str, python: str, folder: Path) -> Side:
    """One of them; arguments and errors as of `given_sides`."""
    try:
        found = find_interpreter(python)
        look_at(found).check()
    except UnavailableError as error:
        raise _refused(label, error) from None
    return Side(label, str(found), folder.resolve())


def _both(
    environments: Environments, base_commit: str, head_commit: str, recipe: Recipe, tell: Tell, *, changed: bool
) -> tuple[Environment, Environment]:
    """Environments of base and head, with the same releases of what both require as far as that can be."""
    began = time.time()
    base = _built("base", environments, base_commit, recipe, tell)
    head = _built("head", environments, head_commit, recipe, tell, changed=changed)
    if base.packages() != head.packages():  # one may be kept from a day on which other releases were the newest
        if base.built < began:
            base = _built("base", environments, base_commit, recipe, tell, anew=True)
        if head.built < began:
            head = _built("head", environments, head_commit, recipe, tell, anew=True)
    return base, head


def _built(label: str, environments: Environments, commit: str, recipe: Recipe, tell: Tell, **how: bool) -> Environment:
    tell(f"{label}: environment of {commit[:12]}{', anew' if how.get('anew') else ''}")
    try:
        return environments.get(commit, recipe, **how)
    except UnavailableError as error:
        raise _refused(label, error) from None


def _rebuilds(
    base: Environment, environments: Environments, commit: str, recipe: Recipe, tell: Tell
) -> tuple[Side, ...]:
    """The base built again with each of the layouts.

    One that cannot be built, changes nothing, or comes with other releases of what the base requires, is left out.
    """
    sides = []
    for name, flags in LAYOUTS.items():
        tell(f"base: built again, code {name}")
        try:
            built = environments.get(commit, Recipe(recipe.install, flags))
        except UnavailableError as error:
            tell(f"base: cannot be built again, code {name}: {error}")
            continue
        if built.packages() == base.packages() and _compiled(built) != _compiled(base):
            sides.append(_side("base", built, commit))
    return tuple(sides)


def _compiled(environment: Environment) -> dict[Path, str]:
    """Hashes of compiled files, by their path in an environment."""
    found = {}
    for path in environment.entry.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            if file.read(len(_ELF)) == _ELF:
                file.seek(0)
                found[path.relative_to(environment.entry)] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _side(label: str, environment: Environment, commit: str, *, changed: bool = False) -> Side:
    commit = f"{commit}-dirty" if changed else commit  # as `git describe` has it
    return Side(label, str(environment.python), environment.folder, commit)


def _refused(label: str, error: UnavailableError) -> SerialprofError:
    kind = BaselineError if label == "base" else HeadError
    return kind(f"{label}: {error}", error.remedy)
