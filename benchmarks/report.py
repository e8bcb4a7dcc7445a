# SPDX-License-Identifier: Apache-2.0
"""The page of a run: how large, how fast built and ready, and whether it fits a phone and asks for nothing.

    python benchmarks/report.py [--samples 1000000]

Two pages: of the example of a default run, and of a made-up run of a million samples (those of the example again and
again, each about 1 % off). A build is the whole `serialprof report RUN --format html`, once, with the code compiled to
bytecode, as installers leave it; ready is the load event in headless Chromium, the median of seven loads. Peers' pages
are of another, small program: only sizes, requests and readiness of such pages are comparable, and a build is the
command that writes the page; pyinstrument's runs the program too. The page by plotly is of the same plots as that of
the default run, and its build draws them alone.

Peers are made where `.venv-bench` has them (`make bench-tools`).
"""

from __future__ import annotations

import argparse
import compileall
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from recording import record
from report_tools.browsing import PHONE, Seen, look
from report_tools.building import Built, build, enlarge
from report_tools.peers import pages
from report_tools.plots import figures

import serialprof
import serialprof_reports
from serialprof.machine.reading import read_machine

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs/examples/amd-epyc-2-cores.serialprof"
SERIALPROF = "import sys; from serialprof.cli import main; sys.argv[0] = 'serialprof'; main()"

#: Positions are fractions of pixels.
HALF_PIXEL = 0.5


@dataclass(frozen=True, slots=True)
class Goals:
    """The most that a page may take: bytes, milliseconds to ready, seconds and bytes of memory to build."""

    size: float
    ready: float
    seconds: float
    memory: float | None = None


DEFAULT = Goals(800e3, 150, 3)
MILLION = Goals(1.5e6, 300, 10, 1e9)


def compile_packages() -> None:
    """Compiles what builds a page to bytecode, wherever Python keeps that; a source tree may lack it."""
    for package in (serialprof, serialprof_reports):
        compileall.compile_dir(Path(package.__file__).parent, quiet=1)


def measure(store: Path, page: Path) -> dict[str, Any]:
    """Builds and opens the page of a run."""
    command = [sys.executable, "-c", SERIALPROF, "report", store.resolve(), "--format", "html", "-o", page]
    built = build(command, page.parent)
    if built.error:
        return {"built": built, "size": None, "seen": None}
    return {"built": built, "size": page.stat().st_size, "seen": look(page)}


def judge(goals: Goals, result: dict[str, Any]) -> list[dict[str, Any]]:
    """Every goal: what was wanted at most, what came out (None where that is not known), and whether it is met."""
    built: Built = result["built"]
    seen: Seen | None = result["seen"]
    measured = None if built.error else built
    rows: list[tuple[str, float | None, float | None, float, str]] = [
        ("size", goals.size, result["size"], 1e3, "kB"),
        ("built in", goals.seconds, measured and measured.seconds, 1, "s"),
        ("memory", goals.memory, measured and measured.memory, 1e6, "MB"),
        ("ready in", goals.ready, seen and seen.ready, 1, "ms"),
        ("requests", 0, seen and seen.requests, 1, ""),
        ("duplicate ids", 0, seen and seen.duplicates, 1, ""),
        (f"widest at {PHONE} px", PHONE, seen and seen.widest, 1, "px"),
        ("scrolls sideways", 0, seen and seen.scrolls, 1, "px"),
    ]
    return [
        {
            "goal": name,
            "most": most,
            "value": value,
            "met": None if value is None else value <= most + (HALF_PIXEL if unit == "px" else 0),
            "scale": scale,
            "unit": unit,
        }
        for name, most, value, scale, unit in rows
        if most is not None
    ]


def tell(title: str, result: dict[str, Any], goals: list[dict[str, Any]]) -> None:
    """Prints one line per goal."""
    print(f"{title}" + (f": {result['built'].error}" if result["built"].error else ""))
    for row in goals:
        value = "not measured" if row["value"] is None else f"{row['value'] / row['scale']:.1f} {row['unit']}"
        verdict = {True: "met", False: "MISSED", None: "not known"}[row["met"]]
        print(f"  {row['goal']:<18} {value:>14}   at most {row['most'] / row['scale']:g} {row['unit']:<3} {verdict}")


def compare(folder: Path, plots: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Makes and opens the pages of peers, one of them of these plots, and prints a line each."""
    found: dict[str, Any] = {}
    for name, made in pages(ROOT / ".venv-bench/bin/python", folder, plots).items():
        if made.page is None:
            found[name] = made.built.error.replace(f"{ROOT}/", "")
            print(f"{name}: {found[name]}")
            continue
        seen, size = look(made.page), made.page.stat().st_size
        told = (
            ""
            if seen is None
            else f", ready in {seen.ready:.0f} ms, {seen.requests} requests, widest {seen.widest:.0f} px"
        )
        print(f"{name}: {size / 1e3:.0f} kB, built in {made.built.seconds:.1f} s{told}")
        found[name] = {"size": size, "seconds": made.built.seconds, "seen": seen and asdict(seen)}
    return found


def main() -> None:
    """Runs the benchmark, prints the goals, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_000_000)
    wanted = parser.parse_args().samples
    results: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    print(f"load average before: {results['load_before']:.1f}")
    compile_packages()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large = folder / "large.serialprof"
        # In a process of its own: what a child is told to have used at most begins with what its parent uses.
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:
            count = apart.submit(enlarge, EXAMPLE, large, wanted).result()
            plots = apart.submit(figures, EXAMPLE).result()
        for title, store, goals in ((EXAMPLE.name, EXAMPLE, DEFAULT), (f"{count} samples", large, MILLION)):
            result = measure(store, folder / f"{store.stem}.html")
            judged = judge(goals, result)
            tell(title, result, judged)
            seen = result["seen"]
            results[title] = {
                "size": result["size"],
                "built": asdict(result["built"]),
                "seen": seen and asdict(seen),
                "goals": judged,
            }
        results["peers"] = compare(folder, plots)
    print(f"written: {record('report', read_machine(), results)}")


if __name__ == "__main__":
    main()
