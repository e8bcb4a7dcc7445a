# SPDX-License-Identifier: Apache-2.0
"""Lends the running serialprof to an environment that has none: links, found after everything that it has itself."""

from __future__ import annotations

import platform
import re
import shutil
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from serialprof.gating.interpreters import Interpreter
from serialprof.gating.repository import UnavailableError

#: Python reads these files in alphabetical order: the last one's folder is searched last.
_PATH_FILE: Final = "zzz-serialprof-lent.pth"
_OWN: Final = ("serialprof", "serialprof_workloads")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def lend(interpreter: Interpreter, folder: Path) -> None:
    """Makes serialprof and what it requires importable in an environment.

    Args:
        interpreter: of the environment.
        folder: that the links are to be in.

    Raises:
        UnavailableError: it runs another series of Python, for which the running packages are not made.
    """
    running = platform.python_version_tuple()[:2]
    if interpreter.series != ".".join(running):
        raise UnavailableError(
            f"{interpreter.python} is Python {interpreter.series} and has no serialprof; "
            f"that of Python {'.'.join(running)} cannot be lent to it",
            "let the install command bring serialprof",
        )
    links = loans()
    for name in [place.name for place in folder.glob("*")]:
        if name not in links:
            _remove(folder / name)
    for name, targets in links.items():
        _link(folder / name, targets)
    path_file, line = interpreter.packages / _PATH_FILE, f"{folder}\n"
    if not path_file.exists() or path_file.read_text() != line:  # workers of another gate may be reading it
        path_file.write_text(line)


@cache
def loans() -> dict[str, tuple[Path, ...]]:
    """What is lent: by name, the files and folders of the running environment that stand for it.

    An editable install keeps one package in several places, its sources in one and what is compiled in another.
    """
    links: dict[str, tuple[Path, ...]] = {}
    for package in _closure("serialprof"):
        links.update({name: (Path(str(package.locate_file(name))),) for name in _top_levels(package)})
    for name in _OWN:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            links[name] = tuple(map(Path, spec.submodule_search_locations))
    return links


def _closure(name: str) -> list[Distribution]:
    """A distribution and those that it requires, as far as they are installed; extras are not followed."""
    found: dict[str, Distribution] = {}
    waiting = [name]
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # required on other systems alone
            continue
        for requirement in found[name].requires or ():
            required = _NAME.match(requirement)
            if required and "extra ==" not in requirement:
                waiting.append(required[0])
    return list(found.values())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _top_levels(package: Distribution) -> set[str]:
    """Names in site-packages that a distribution consists of: packages, modules, libraries beside them, metadata."""
    names = {file.parts[0] for file in package.files or ()}
    return {name for name in names if name not in ("..", "__pycache__") and not name.endswith(".pth")}


def _link(place: Path, targets: tuple[Path, ...]) -> None:
    """One link to a target, or a folder of links to all that several folders contain."""
    if len(targets) > 1:
        if place.is_symlink():
            place.unlink()
        for target in targets:
            for child in target.iterdir():
                _link(place / child.name, (child,))
    elif not (place.is_symlink() and place.readlink() == targets[0]):
        _remove(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(targets[0])


def _remove(place: Path) -> None:
    """Removes a link, or a folder of links; what they point to stays."""
    if place.is_symlink():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)
