# SPDX-License-Identifier: Apache-2.0
"""The pages of others, made in the environment of the benchmarks: three of a small program, one of our own plots."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report_tools.building import Built, build

PROGRAM = "total = 0\nfor step in range(3_000_000):\n    total += step % 7\nprint(total)\n"
#: Where torch is installed, scalene runs its profiler too, which takes minutes and is no part of the program.
HIDDEN = 'raise ImportError("not needed here")\n'
PLOTLY = """import json
import plotly.graph_objects as go


def bar(item):
    return go.Bar(name=item["name"], x=item["x"], y=item["y"])


def line(item):
    pairs = zip(item["y"], item["low"], item["high"])
    spans = [(y - low, high - y) if None not in (y, low, high) else (0, 0) for y, low, high in pairs]
    error = {"symmetric": False, "arrayminus": [low for low, _ in spans], "array": [high for _, high in spans]}
    return go.Scatter(name=item["name"], x=item["x"], y=item["y"], mode="lines+markers", error_y=error)


with open("figures.json") as file:
    figures = json.load(file)
with open("plotly.html", "w") as file:
    for number, figure in enumerate(figures):
        drawn = go.Figure([(bar if figure["bars"] else line)(item) for item in figure["series"]])
        drawn.update_layout(title=figure["title"], barmode="stack")
        drawn.update_xaxes(type="log" if figure["logx"] else None)
        drawn.update_yaxes(type="log" if figure["logy"] else None)
        file.write(drawn.to_html(full_html=False, include_plotlyjs=number == 0))
"""


#: Seconds after which a command is ended, with exit code 124: a peer that hangs must not hold up the rest.
PATIENCE = 120


@dataclass(frozen=True, slots=True)
class Peer:
    """How a page is made: arguments of the Python that `name` is installed in.

    Attributes:
        name: the module; the page's name begins with it.
        making: the command that writes the page.
        before: the one that records what the page shows, empty where `making` does.
    """

    name: str
    making: tuple[str, ...]
    before: tuple[str, ...] = ()


PEERS = (
    Peer(
        "memray",
        ("-m", "memray", "flamegraph", "-o", "memray.html", "memray.bin"),
        ("-m", "memray", "run", "-o", "memray.bin", "program.py"),
    ),
    Peer(
        "scalene",
        ("-m", "scalene", "view", "--standalone", "scalene.json"),
        ("-m", "scalene", "run", "-o", "scalene.json", "program.py"),
    ),
    Peer("pyinstrument", ("-m", "pyinstrument", "-r", "html", "-o", "pyinstrument.html", "program.py")),
    Peer("plotly", ("plots.py",)),
)


@dataclass(frozen=True, slots=True)
class Made:
    """The page of a peer: where it is, and what its command took; or why there is none."""

    page: Path | None
    built: Built


def pages(python: Path, folder: Path, figures: Sequence[dict[str, Any]]) -> dict[str, Made]:
    """The page of every peer, or why there is none.

    Args:
        python: of the environment that they are installed in.
        folder: where they are made.
        figures: what plotly draws, as `plots.figures` tells it.
    """
    (folder / "program.py").write_text(PROGRAM)
    (folder / "torch.py").write_text(HIDDEN)
    (folder / "plots.py").write_text(PLOTLY)
    (folder / "figures.json").write_text(json.dumps(figures))
    return {peer.name: _made(python, folder, peer) for peer in PEERS}


def _made(python: Path, folder: Path, peer: Peer) -> Made:
    if not python.is_file():
        return _without(f"there is no {python}")
    if subprocess.run([python, "-c", f"import {peer.name}"], capture_output=True, check=False).returncode:
        return _without(f"{python} cannot import {peer.name}")
    for arguments in filter(None, (peer.before, peer.making)):
        built = build(["timeout", str(PATIENCE), python, *arguments], folder)
        if built.error:
            return _without(f"it failed: {built.error}")
    made = sorted(folder.glob(f"{peer.name}*.html"))
    return Made(made[0], built) if made else _without("it wrote no page")


def _without(reason: str) -> Made:
    return Made(None, Built(0.0, 0, f"not compared: {reason}"))
