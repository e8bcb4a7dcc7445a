# SPDX-License-Identifier: Apache-2.0
"""Where a benchmark's result goes: benchmarks/results/<benchmark>-<machine>.json, the machine inside."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from serialprof.machine import Machine

RESULTS = Path(__file__).parent / "results"


def record(benchmark: str, machine: Machine, result: dict[str, Any]) -> Path:
    """Writes a result with its machine, date and command; an older result of the same machine is replaced."""
    path = RESULTS / f"{benchmark}-{machine_name(machine)}.json"
    document = {
        "benchmark": benchmark,
        "command": ["python", program(sys.argv[0]), *sys.argv[1:]],
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine,
        "result": result,
    }
    RESULTS.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    return path


def program(path: str) -> str:
    """A benchmark's file as one names it in the repository: `python -m` tells where the repository stands, too."""
    return str(Path("benchmarks") / Path(path).resolve().relative_to(RESULTS.parent.resolve()))


def machine_name(machine: Machine) -> str:
    """A machine as it stands in file names, such as "amd-epyc-2-cores"."""
    return re.sub(r"[^a-z0-9]+", "-", f"{machine.processor} {machine.usable} cores".lower()).strip("-")
