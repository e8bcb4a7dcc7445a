# SPDX-License-Identifier: Apache-2.0
"""Debian's kernel, Python and busybox, downloaded with apt-get and unpacked among the build products."""

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: What Debian's Python is linked against, and libffi for ctypes.
LIBRARIES = ("libc6", "zlib1g", "libexpat1", "libffi8")
MODULES = ("acpi-cpufreq", "cpufreq_userspace", "cpufreq_powersave", "cpufreq_ondemand", "cpufreq_conservative", "msr")
#: Parts of the packages that no check imports.
UNUSED = ("usr/share", "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/python3*/lib2to3", "usr/lib/python3*/distutils")
SECONDS = 300


class UnavailableError(Exception):
    """A package or a tool that is not to be had here; the message says which and why."""


@dataclass(frozen=True)
class System:
    """What is booted: a kernel's image, and folders whose contents make up the root of the guest."""

    kernel: Path
    roots: tuple[Path, ...]


def unpacked(cache: Path, kernel: tuple[str, ...]) -> System:
    """Python, busybox and a kernel in `cache`, downloaded and unpacked by the first call.

    Args:
        cache: a folder of our own.
        kernel: metapackages, of which the first that this release has is taken.

    Raises:
        UnavailableError: where apt-get cannot download the packages.
    """
    root, image = cache / "root", cache / kernel[0]
    _once(root, _userland)
    _once(image, lambda folder: _kernel(kernel, folder))
    return System(image / "vmlinuz", (root, image / "root"))


def _once(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fill a folder unless it was filled: its name is given to what is complete alone."""
    if folder.exists():
        return
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    fill(part)
    part.rename(folder)


def _userland(root: Path) -> None:
    python = _dependency("python3-minimal", "python3.")
    library = f"lib{python.removesuffix('-minimal')}"
    packages = (python, f"{library}-minimal", f"{library}-stdlib", *LIBRARIES, "busybox-static")
    with tempfile.TemporaryDirectory() as downloads:
        for package in _downloaded(packages, Path(downloads)):
            _run("dpkg-deb", "--extract", str(package), str(root))
    for name in ("bin", "lib", "lib64"):  # later releases ship these folders below usr alone
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for pattern in UNUSED:
        for path in root.glob(pattern):
            shutil.rmtree(path)
    _compile(root)


def _downloaded(packages: Iterable[str], folder: Path) -> list[Path]:
    # A superuser's download into a folder that apt's own user may not enter would warn.
    _run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *packages, folder=folder)
    return sorted(folder.glob("*.deb"))


def _dependency(metapackage: str, prefix: str) -> str:
    """The versioned package that a metapackage of this release stands for."""
    for line in _dependencies(metapackage).splitlines():
        relation, _, package = line.strip().partition(": ")
        if relation in ("Depends", "PreDepends") and package.startswith(prefix):
            return package
    raise UnavailableError(f"the package {metapackage} names no {prefix}*")


def _dependencies(metapackage: str) -> str:
    try:
        return _run("apt-cache", "depends", metapackage)
    except UnavailableError:  # no package lists, as in a fresh container; or no such package
        _run("apt-get", "update", "-qq")
        return _run("apt-cache", "depends", metapackage)


def _kernel(metapackages: tuple[str, ...], folder: Path) -> None:
    with tempfile.TemporaryDirectory() as downloads:
        (package,) = _downloaded([_first(metapackages)], Path(downloads))
        _unpack_kernel(package, folder / "vmlinuz", folder / "root" / "modules")


def _first(metapackages: tuple[str, ...]) -> str:
    reasons = []
    for metapackage in metapackages:
        try:
            return _dependency(metapackage, "linux-image-")
        except UnavailableError as error:
            reasons.append(str(error))
    raise UnavailableError("; ".join(reasons))


def _unpack_kernel(package: Path, image: Path, modules: Path) -> None:
    """The image and a few modules out of some thousand, as they stream by."""
    modules.mkdir(parents=True)
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as files,
    ):
        for member in files:
            name = Path(member.name).name
            stem, _, ending = name.partition(".")
            if name.startswith("vmlinuz-"):
                image.write_bytes(_content(files, member))
            elif stem in MODULES:
                content = _content(files, member)
                (modules / f"{stem}.ko").write_bytes(lzma.decompress(content) if ending == "ko.xz" else content)
    missing = [name for name in MODULES if not (modules / f"{name}.ko").exists()]
    if missing or not image.exists():
        raise UnavailableError(f"{package.name} holds no {missing or 'kernel image'}")


def _content(files: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = files.extractfile(member)
    return stream.read() if stream else b""


def _compile(root: Path) -> None:
    """Compile the standard library with its own interpreter: emulated, that costs seconds in every boot."""
    (interpreter,) = root.glob("usr/bin/python3.[0-9]*")
    (root / "usr/bin/python3").symlink_to(interpreter.name)
    libraries = [root / "lib/x86_64-linux-gnu", root / "usr/lib/x86_64-linux-gnu"]
    loader = libraries[0] / "ld-linux-x86-64.so.2"
    command = [str(loader), "--library-path", os.pathsep.join(map(str, libraries)), str(interpreter)]
    (library,) = root.glob("usr/lib/python3.[0-9]*")
    _run(*command, "-m", "compileall", "-q", str(library), environment={"PYTHONHOME": str(root / "usr")})


def _run(*command: str, folder: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """Standard output of a command that must succeed."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except FileNotFoundError as error:
        raise UnavailableError(f"{command[0]} is not here") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"`{' '.join(command)}` took longer than {SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"`{' '.join(command)}` failed: {error.stderr.strip() or error.returncode}") from error
    return done.stdout
