# SPDX-License-Identifier: Apache-2.0
"""The gates that were made, one JSON line each, kept as soon as each is made; what may stand in one table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.gate_tools import gated, peers
from benchmarks.gate_tools.cells import SERIALPROF, Record

#: What decides how serialprof's gate comes out.
_ENGINE = ("gating/judging.py", "gating/pairing.py", "measure/worker.py")


class Gates:
    """The gates of a file, and where further ones go.

    Args:
        path: the file; a line that was cut off by a killed write is dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        whole = [line for line in lines if line.endswith("\n")]
        if len(whole) < len(lines):
            path.write_text("".join(whole))
        self.records: list[Record] = [json.loads(line) for line in whole]

    def add(self, record: Record) -> None:
        """Keeps a gate."""
        self.records.append(record)
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def under(self, codes: dict[str, str] | None) -> list[Record]:
        """Those that were made by the code given for their tool, or all."""
        return [record for record in self.records if codes is None or record["code"] == codes[record["tool"]]]


def codes(tools: Sequence[str]) -> dict[str, str]:
    """By tool, a word for all that its gates must share to stand in one table: code and version; empty without it."""
    return {tool: _code_of_serialprof() if tool == SERIALPROF else _code_of(tool) for tool in tools}


def _code_of_serialprof() -> str:
    package = find_spec("serialprof")
    assert package and package.origin
    root = Path(package.origin).parent
    return _digest([root / name for name in _ENGINE], "")


def _code_of(peer: str) -> str:
    version = peers.version(peer)
    return _digest([Path(peers.__file__), *sorted(peers.FOLDER.glob("with_*.py"))], version) if version else ""


def _digest(files: Iterable[Path], version: str) -> str:
    parts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (Path(gated.__file__), *files)]
    return hashlib.sha256("\n".join([*parts, version]).encode()).hexdigest()[:12]
