# SPDX-License-Identifier: Apache-2.0
"""A competitor's process, seen from the one that times: asked over a pipe, and held still while others are timed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
#: Seconds after which an answer is no longer waited for: compilers of libraries take their time.
PATIENCE: Final = 180.0


class Lost(Exception):  # noqa: N818 - no error: a finding
    """A process that ended or does not answer."""


class Process:
    """One competitor.

    Args:
        core, competitor: their names.
        cpus: what it is pinned to; its libraries are told to use as many threads.
        log: where what it prints goes.
    """

    def __init__(self, core: str, competitor: str, cpus: tuple[int, ...], log: Path) -> None:
        self.competitor: Final = competitor
        self._log: Final = log
        command = [sys.executable, "-m", "benchmarks.kernels_tools.worker", core, competitor, ",".join(map(str, cpus))]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=ROOT,
                env=environment(len(cpus)),
            )

    def send(self, message: Mapping[str, Any]) -> None:
        """Sends a message; the answer is read by `receive`.

        Raises:
            Lost: nobody reads it.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise Lost(self._end()) from None

    def receive(self) -> dict[str, Any]:
        """The answer to the last message.

        Raises:
            Lost: there is none.
        """
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        if not ready:
            self._process.kill()
            raise Lost(f"no answer within {PATIENCE:g} s")
        line = self._process.stdout.readline()
        if not line:
            raise Lost(self._end())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def hold(self) -> None:
        """Stops all its threads, those that spin for work, too."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Lets it run again."""
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _end(self) -> str:
        status = self._process.wait()
        lines = self._log.read_text(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        return f"its process ended with {status}: {last[:160]}"


def environment(threads: int) -> dict[str, str]:
    """What libraries read before they start threads."""
    names = ("OMP", "MKL", "OPENBLAS", "NUMBA")
    multi = "true" if threads > 1 else "false"
    return {
        **os.environ,
        **{f"{name}_NUM_THREADS": str(threads) for name in names},
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={multi}",
        "JAX_PLATFORMS": "cpu",
        "TOKENIZERS_PARALLELISM": "false",
        "CT2_VERBOSE": "-1",
    }
