# SPDX-License-Identifier: Apache-2.0
"""Imports users' files and modules by the names that they have in their own project, in a worker alone."""

from __future__ import annotations

import difflib
import importlib
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from serialprof.errors import WorkloadError


def module_of_file(path: Path) -> ModuleType:
    """Imports a file; what lies beside it is found as well.

    A file of a package is imported by its dotted name, so that its relative imports work. Any other has the name of
    the file, by which processes that it starts find it again; where something else has that name, one of its own.

    Raises:
        WorkloadError: its package has the name of another one that is imported, or it only looks like a package's.
    """
    path = path.resolve()
    name, root = dotted_name(path)
    _add_to_path(root)
    _add_to_path(path.parent)
    if root != path.parent and path.stem.isidentifier():
        _take_package(name.partition(".")[0], root)
        return importlib.import_module(name)
    try:
        return importlib.import_module(name) if _finds(name, path) else _under_own_name(path)
    except ImportError as error:
        if str(error).startswith("attempted relative import") and error.name is None:
            raise WorkloadError(
                f"{path.name} imports relatively, but its folder is no package ({error})",
                "put an __init__.py beside it, or name it as package.module:NAME",
            ) from error
        raise


def module_of_name(name: str) -> ModuleType:
    """Imports a module that is installed, or that lies in the working folder or in its `src`.

    Raises:
        WorkloadError: there is none.
    """
    for folder in _working_folders():
        if folder.is_dir():
            _add_to_path(folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not error.name or not f"{name}.".startswith(f"{error.name}."):  # one that it imports
            raise
        parent, _, last = error.name.rpartition(".")
        if parent and not hasattr(sys.modules[parent], "__path__"):
            raise WorkloadError(
                f"there is no module {error.name!r}: {parent} is a module, no package",
                f"name what stands in it as {parent}:NAME",
            ) from None
        beside = difflib.get_close_matches(last, _modules_in(parent), n=3)
        near = [f"{parent}.{found}" if parent else found for found in beside]
        remedy = f"did you mean {' or '.join(near)}?" if near else "stand in the folder that holds it, or install it"
        raise WorkloadError(f"there is no module {error.name!r}", remedy) from None


def dotted_name(path: Path) -> tuple[str, Path]:
    """The name of a file's module in its own project, and the folder from which it is imported by that name.

    Packages are the folders above it, without a gap, that hold an __init__.py.
    """
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name:
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts), folder


def near_files(path: Path) -> list[str]:
    """Python files beside a path whose names are like its own."""
    beside = [found.name for found in path.parent.glob("*.py")] if path.parent.is_dir() else []
    return [str(path.with_name(found)) for found in difflib.get_close_matches(path.name, beside, n=3, cutoff=0.75)]


def _take_package(name: str, root: Path) -> None:
    """Imports the outermost package from its own folder, although one that is installed may have its name."""
    own = root / name / "__init__.py"
    if name in sys.modules:
        if not _is_file(sys.modules[name].__file__, own):
            raise WorkloadError(
                f"{own.parent} is a package {name!r}, and another of that name is in use", "rename the package"
            )
        return
    spec = PathFinder.find_spec(name, [str(root)])
    if spec is None or spec.loader is None:
        raise WorkloadError(f"cannot import {own}", "give a Python file")
    _execute(name, spec)


def _under_own_name(path: Path) -> ModuleType:
    name = f"serialprof_file_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise WorkloadError(f"cannot import {path}", "give a Python file")
    return _execute(name, spec)


def _execute(name: str, spec: ModuleSpec) -> ModuleType:
    """Executes a module under a name; where that fails, nothing of it is left to be found."""
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        assert spec.loader is not None
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _finds(name: str, path: Path) -> bool:
    """Whether an import of a plain name finds this file, and nothing that is found before it."""
    if not name.isidentifier():
        return False
    try:
        spec = find_spec(name)
    except ValueError:  # as of __main__
        return False
    return spec is not None and _is_file(spec.origin, path)


def _is_file(found: str | None, path: Path) -> bool:
    return found is not None and Path(found).resolve() == path.resolve()


def _working_folders() -> tuple[Path, Path]:
    """Where a project's own modules lie: the working folder and its `src`."""
    return Path.cwd(), Path.cwd() / "src"


def _modules_in(package: str) -> list[str]:
    """Names of the modules in an imported package; without one, of those in the working folder and its `src`."""
    folders = list(sys.modules[package].__path__) if package else list(map(str, _working_folders()))
    return [found.name for found in iter_modules(folders)]


def _add_to_path(folder: Path) -> None:
    """Makes modules of a folder importable, after everything else: a random.py there does not hide Python's own."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
