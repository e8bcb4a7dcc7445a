# SPDX-License-Identifier: Apache-2.0
"""Runs in the guest: every check of the modules that are named, each from the state after boot.

What a check returns, or the traceback of what it raised, is one line of JSON on the second serial port, with the
seconds that it took.
"""

from __future__ import annotations

import json
import shutil
import sys
import termios
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import TextIO

from tests.qemu.guest import cpufreq

PORT = "/dev/ttyS1"
#: Where a check that failed may have left a journal, which is to trouble no other check.
JOURNALS = Path("/run/serialprof")


def main(modules: list[str]) -> None:
    booted = cpufreq.state()
    with open(PORT, "w") as port:  # noqa: PTH123
        for module in modules:
            for check in import_module(f"tests.qemu.guest.{module}").CHECKS:
                start = time.monotonic()
                try:
                    shutil.rmtree(JOURNALS, ignore_errors=True)
                    cpufreq.restore(booted)
                    outcome = {"result": check()}
                except Exception:
                    outcome = {"error": traceback.format_exc()}
                _send(port, check=check.__name__, seconds=time.monotonic() - start, **outcome)
        _send(port, check="end")
        termios.tcdrain(port)


def _send(port: TextIO, **line: object) -> None:
    print(json.dumps(line), file=port, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
