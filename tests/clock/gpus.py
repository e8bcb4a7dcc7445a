# SPDX-License-Identifier: Apache-2.0
"""GPUs that are made up: nvml.c, compiled, and the folder that holds their state."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("nvml.c")
COMPILER = shutil.which("cc") or shutil.which("gcc")


def compiled(folder: Path, *options: str) -> str:
    """The path of the made-up library."""
    assert COMPILER is not None
    library = folder / "libfake-nvml.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-Wall", "-Werror", *options, "-o", library, SOURCE], check=True)
    return str(library)


class Gpus:
    """The state of the made-up GPUs.

    Args:
        library: from `compiled`.
        folder: that FAKE_NVML names.
    """

    def __init__(self, library: str, folder: Path) -> None:
        self.library, self.folder = library, folder
        folder.mkdir()

    @property
    def calls(self) -> list[str]:
        """Locks and resets so far, in order."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def locked(self) -> dict[str, int]:
        """MHz by GPU, of those that are locked."""
        return {path.name: int(path.read_text() or 0) for path in sorted(self.folder.glob("gpu*"))}

    def put(self, name: str, text: str = "") -> None:
        """Writes one of the files that nvml.c reads."""
        (self.folder / name).write_text(text)

    def drop(self, name: str) -> None:
        """Removes one."""
        (self.folder / name).unlink()
