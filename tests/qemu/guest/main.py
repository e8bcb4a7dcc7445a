# SPDX-License-Identifier: Apache-2.0
"""Runs in the guest: every check of the modules that are named, each from the state after boot.

What a check returns, or the traceback of what it raised, is one line of JSON on the second serial port.
"""

from __future__ import annotations

import json
import sys
import termios
import traceback
from importlib import import_module
from typing import TextIO

from tests.qemu.guest import cpufreq

PORT = "/dev/ttyS1"


def main(modules: list[str]) -> None:
    booted = cpufreq.state()
    with open(PORT, "w") as port:  # noqa: PTH123
        for module in modules:
            for check in import_module(f"tests.qemu.guest.{module}").CHECKS:
                cpufreq.restore(booted)
                try:
                    _send(port, check=check.__name__, result=check())
                except Exception:
                    _send(port, check=check.__name__, error=traceback.format_exc())
        _send(port, check="end")
        termios.tcdrain(port)


def _send(port: TextIO, **line: object) -> None:
    print(json.dumps(line), file=port, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
