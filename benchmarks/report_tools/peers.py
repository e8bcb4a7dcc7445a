# SPDX-License-Identifier: Apache-2.0
"""The pages of others, of a small program, made in the environment of the benchmarks; what is not there is left out."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROGRAM = "total = 0\nfor step in range(3_000_000):\n    total += step % 7\nprint(total)\n"
PLOTLY = """import random, sys
import plotly.graph_objects as go
dice = random.Random(1)
pages = [go.Figure(go.Scatter(x=list(range(1000)), y=[dice.gauss(0, 1) for _ in range(1000)])) for _ in range(8)]
with open("plotly.html", "w") as file:
    for number, figure in enumerate(pages):
        file.write(figure.to_html(full_html=False, include_plotlyjs=number == 0))
"""
#: How each makes its page: the module that must be importable, and arguments of its Python, one list after another.
COMMANDS: dict[str, list[list[str]]] = {
    "memray": [
        ["-m", "memray", "run", "-o", "memray.bin", "program.py"],
        ["-m", "memray", "flamegraph", "-o", "memray.html", "memray.bin"],
    ],
    "scalene": [
        ["-m", "scalene", "run", "-o", "scalene.json", "program.py"],
        ["-m", "scalene", "view", "--standalone", "scalene.json"],
    ],
    "pyinstrument": [["-m", "pyinstrument", "-r", "html", "-o", "pyinstrument.html", "program.py"]],
    "plotly": [["plots.py"]],
}


def pages(python: Path, folder: Path) -> dict[str, Path | str]:
    """The page of every peer, or why there is none."""
    (folder / "program.py").write_text(PROGRAM)
    (folder / "plots.py").write_text(PLOTLY)
    return {name: _page(python, folder, name) for name in COMMANDS}


def _page(python: Path, folder: Path, name: str) -> Path | str:
    if not python.is_file():
        return f"not compared: there is no {python}"
    if subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode:
        return f"not compared: {python} cannot import {name}"
    for arguments in COMMANDS[name]:
        done = subprocess.run([python, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"not compared: it failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
    made = sorted(folder.glob(f"{name}*.html"))
    return made[0] if made else "not compared: it wrote no page"
