# SPDX-License-Identifier: Apache-2.0
"""The interpreter of a side: whether it is there, starts, and has a serialprof that can be asked."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serialprof.gating.repository import UnavailableError

_START_LIMIT: Final = 60.0  # seconds; a cold disk takes a few
_QUESTIONS: Final = """
import json, sys, sysconfig
from importlib.util import find_spec
has = find_spec("serialprof") is not None
try:
    from serialprof.measure.protocol import Turn
except ImportError as error:
    lacks = str(error)
else:
    lacks = ""
version = ".".join(map(str, sys.version_info[:3]))
print(json.dumps([version, sysconfig.get_path("purelib"), has, lacks]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What an interpreter says of itself.

    Attributes:
        python: its path, links not followed: a virtual environment is known by its link.
        version: such as "3.12.4".
        packages: the folder of its environment's packages.
        has_serialprof: whether it finds a serialprof.
        lacks: why that one cannot take part in a gate, empty where it can.
    """

    python: Path
    version: str
    packages: Path
    has_serialprof: bool
    lacks: str

    @property
    def series(self) -> str:
        """Version without its last number: packages are made for one."""
        return self.version.rpartition(".")[0]

    def check(self) -> None:
        """Raises an UnavailableError where it has no serialprof that can take part in a gate."""
        if not self.has_serialprof:
            raise UnavailableError(f"{self.python} has no serialprof", f"{self.python} -m pip install serialprof")
        if self.lacks:
            raise UnavailableError(
                f"the serialprof of {self.python} cannot take part in a gate ({self.lacks})",
                "install a newer one there",
            )


def look_at(python: Path) -> Interpreter:
    """Starts an interpreter and asks it what it has.

    Raises:
        UnavailableError: it is not there, does not start, or is no Python.
    """
    try:
        # In the root folder, since Python looks for modules where it stands.
        command = [str(python), "-c", _QUESTIONS]
        done = subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, timeout=_START_LIMIT, check=False
        )
    except OSError as error:
        raise UnavailableError(f"{python} cannot be started: {error.strerror}", "give a Python interpreter") from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{python} does not answer within {_START_LIMIT:.0f} s") from None
    try:
        version, packages, has_serialprof, lacks = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        reason = f": {last[0]}" if last else ""
        raise UnavailableError(f"{python} is no Python that works{reason}", "give a Python interpreter") from None
    return Interpreter(python, version, Path(packages), has_serialprof, lacks)


def find_interpreter(given: str) -> Path:
    """The whole path of an interpreter that is given by its path or by its name on PATH.

    Raises:
        UnavailableError: there is none.
    """
    found = shutil.which(given)
    if found is None:
        raise UnavailableError(f"there is no interpreter {given!r}", "give the path of an environment's bin/python")
    return Path(found).absolute()
