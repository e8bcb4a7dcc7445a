# SPDX-License-Identifier: Apache-2.0
"""What the gate costs to have: bytes and seconds of `pip install` into an empty environment, and of its imports.

    python benchmarks/footprint.py [WHEEL]

Without WHEEL one is built first (not timed). The install is timed once, with whatever pip has cached; the imports are
those of a gate's own process at its end, counted in a fresh interpreter of that environment.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

from recording import record

from serialprof.machine.reading import read_machine

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "pandas", "matplotlib", "jinja2", "scipy", "numpy")
IMPORTS = f"""
import sys, time
start = time.process_time()
import serialprof.gating.gate, serialprof.preparation, serialprof.cli.gate
print(time.process_time() - start, *(name for name in {HEAVY} if name in sys.modules))
"""


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def build_wheel(folder: Path) -> Path:
    """The project's wheel, built into a folder."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def main() -> None:
    """Runs the benchmark, prints a line each, writes the JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = Path(sys.argv[1]) if len(sys.argv) > 1 else build_wheel(folder)
        environment = folder / "environment"
        venv.create(environment, with_pip=True)
        python = environment / "bin/python"
        empty = folder_bytes(environment)
        start = time.perf_counter()
        constraints = ROOT / "constraints.txt"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-c", constraints, wheel], check=True)
        seconds = time.perf_counter() - start
        size = folder_bytes(environment) - empty
        imported = subprocess.run([python, "-c", IMPORTS], check=True, capture_output=True, text=True).stdout.split()
    result: dict[str, Any] = {
        "install_seconds": seconds,
        "installed_bytes": size,
        "import_cpu_seconds": float(imported[0]),
        "heavy_imports": imported[1:],
    }
    print(f"installed: {size / 1e6:.0f} MB in {seconds:.0f} s")
    print(f"imports of a gate: {float(imported[0]):.2f} s CPU; {', '.join(imported[1:]) or 'nothing heavy'}")
    print(f"written: {record('footprint', read_machine(), result)}")


if __name__ == "__main__":
    main()
