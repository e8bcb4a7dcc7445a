# SPDX-License-Identifier: Apache-2.0
"""One competitor in a process of its own: python -m benchmarks.kernels_tools.worker CORE COMPETITOR CPUS.

It answers lines of JSON on its standard input by lines on its standard output. Whatever a library prints goes to
standard error.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kernels_tools.core import Core, Job, Missing, Ready
from benchmarks.kernels_tools.registry import core_of
from serialprof.setting import Setting


class Worker:
    """Holds one competitor, ready at one shape."""

    def __init__(self, core: Core, name: str, cpus: tuple[int, ...]) -> None:
        self.prepare_peer = core.competitors()[name]
        self.cpus = cpus
        self.ready: Ready | None = None

    def prepare(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Makes it ready at a shape, lets it run once, and writes its result."""
        self.ready = None
        gc.collect()
        setting = Setting(
            width=message["width"],
            depth=message["steps"],
            threads=len(self.cpus),
            cpus=self.cpus,
            parameters=message["parameters"],
        )
        folder = Path(message["folder"])
        self.ready = self.prepare_peer(Job(setting, folder))
        self.ready.run()
        reply = {"note": self.ready.note}
        if self.ready.result is not None:
            path = folder / "result.npy"
            np.save(path, self.ready.result())
            reply["result"] = str(path)
        return reply

    def sample(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Seconds of so many calls, after one that is not timed."""
        assert self.ready is not None
        run = self.ready.run
        run()
        begun = time.perf_counter()
        told = [run() for _ in range(message["calls"])]
        passed = time.perf_counter() - begun
        known = [seconds for seconds in told if seconds is not None]
        return {"seconds": sum(known) if known else passed}


def answer(worker: Worker, message: Mapping[str, Any]) -> dict[str, Any]:
    """What a message is answered with; a competitor that cannot is missing with its reason."""
    try:
        return worker.prepare(message) if message["do"] == "prepare" else worker.sample(message)
    except Missing as reason:
        return {"missing": str(reason)}
    except ModuleNotFoundError as error:
        return {"missing": f"{error.name} is not installed"}
    except Exception as error:  # libraries raise what they like, and the others are still to be compared
        text = " ".join(str(error).split())
        return {"missing": f"it failed: {type(error).__name__}: {text[:160]}"}


def versions() -> dict[str, str]:
    """Of the libraries that this process has loaded."""
    found = {}
    for name in {name.partition(".")[0] for name in sys.modules} & set(PACKAGES):
        try:
            found[PACKAGES[name]] = version(PACKAGES[name])
        except PackageNotFoundError:
            continue
    return found


#: Distributions by the name of their module.
PACKAGES = {
    name: name
    for name in ("cellpylib", "ctranslate2", "gymnasium", "jax", "numba", "onnxruntime", "ortools", "rebound", "torch")
} | {"lifelib": "python-lifelib", "llama_cpp": "llama-cpp-python", "numpy": "numpy", "pysat": "python-sat"}


def main() -> None:
    """Serves until standard input ends."""
    name, competitor, cpus = sys.argv[1], sys.argv[2], tuple(int(cpu) for cpu in sys.argv[3].split(","))
    os.sched_setaffinity(0, cpus)
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker(core_of(name), competitor, cpus)
    for line in sys.stdin:
        message = json.loads(line)
        reply = answer(worker, message)
        if message["do"] == "prepare":
            reply["versions"] = versions()
        replies.write(json.dumps(reply) + "\n")


if __name__ == "__main__":
    main()
