# SPDX-License-Identifier: Apache-2.0
"""Other tools as gates: base first, then head, each as its documentation says, at the usual threshold of 5 %.

Each function makes one gate in fresh processes. Its answer is whether it failed, and the ratio that it went by.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gate_tools.gated import DEPTH, KIND, PLANTED

FOLDER = Path(__file__).parent
#: What the head may be slower by, in percent.
THRESHOLD = 5
#: One thread for everybody.
_THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
_LIMIT = 300.0  # seconds of one process
#: Seconds of steps in a whole program, beside its start.
_WORK = 0.5

Answer = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One gate: the kind of step, the head's slow-down as a share, an empty folder."""

    kind: str
    planted: float
    folder: Path

    def start(
        self,
        *command: object,
        planted: float = 0.0,
        accept: tuple[int, ...] = (0,),
        variables: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in the folder, with a slow-down for the steps in it.

        Raises:
            RuntimeError: it ends with a code that is not accepted, or hangs.
        """
        arguments = [str(item) for item in command]
        own = {**_THREADS, "PYTHONPATH": _path(), KIND: self.kind, PLANTED: str(planted), **(variables or {})}
        try:
            done = subprocess.run(
                arguments,
                env={**os.environ, **own},
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{arguments[:3]} took more than {_LIMIT:.0f} s") from None
        if done.returncode not in accept:
            raise RuntimeError(f"{arguments[:3]} ended with {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
        return done


def pytest_benchmark(job: Job) -> Answer:
    """`--benchmark-compare-fail=min:5%`, the first example of its documentation."""
    place = ["-c", os.devnull, "--rootdir", job.folder, "-p", "no:cacheprovider", "-q", "--benchmark-storage=kept"]
    command = [sys.executable, "-m", "pytest", FOLDER / "with_pytest.py", *place]
    job.start(*command, "--benchmark-save=base", "--benchmark-json=base.json")
    compare = ["--benchmark-compare=0001", f"--benchmark-compare-fail=min:{THRESHOLD}%", "--benchmark-json=head.json"]
    done = job.start(*command, *compare, planted=job.planted, accept=(0, 1))
    failed = done.returncode == 1
    if failed and "Performance has regressed" not in done.stdout + done.stderr:
        raise RuntimeError(f"pytest ended with 1: {done.stdout[-500:]}")
    stats = [
        json.loads((job.folder / f"{name}.json").read_text())["benchmarks"][0]["stats"] for name in ("base", "head")
    ]
    return {"failed": failed, "ratio": stats[1]["min"] / stats[0]["min"]}


def pyperf(job: Job) -> Answer:
    """`--fast` on both sides, then `compare_to --min-speed=5`, with its t test."""
    for name, planted in (("base", 0.0), ("head", job.planted)):
        inherited = ",".join([*_THREADS, "PYTHONPATH", KIND, PLANTED])
        options = ["--fast", "--quiet", "--inherit-environ", inherited, "--output", f"{name}.json"]
        job.start(sys.executable, FOLDER / "with_pyperf.py", *options, planted=planted)
    compare = [sys.executable, "-m", "pyperf", "compare_to", f"--min-speed={THRESHOLD}", "base.json", "head.json"]
    told = job.start(*compare).stdout
    import pyperf as library

    means = [library.Benchmark.load(str(job.folder / f"{name}.json")).mean() for name in ("base", "head")]
    return {"failed": "slower" in told, "ratio": means[1] / means[0]}


def hyperfine(job: Job) -> Answer:
    """Both whole programs with its defaults; fails where the mean of the head is slower by 5 %."""
    program = [sys.executable, FOLDER / "gated.py", job.kind]
    start, step = _program_costs(job, program)
    steps = round(_WORK / step)
    extra = round(job.planted * (start + _WORK) / step)  # the whole program is slower by the share, its start included
    commands = [" ".join(map(str, [*program, number])) for number in (steps, steps + extra)]
    job.start("hyperfine", "--shell=none", "--export-json=both.json", *commands)
    base, head = (item["mean"] for item in json.loads((job.folder / "both.json").read_text())["results"])
    return {"failed": head / base > 1 + THRESHOLD / 100, "ratio": head / base}


def _program_costs(job: Job, program: list[Any]) -> tuple[float, float]:
    """Seconds of a program without a step and of a step, the least of three each."""

    def least(steps: int) -> float:
        took = []
        for _ in range(3):
            began = time.perf_counter()
            job.start(*program, steps)
            took.append(time.perf_counter() - began)
        return min(took)

    start, steps = least(0), 400 * DEPTH
    return start, max(least(steps) - start, 0.01) / steps


def asv(job: Job) -> Answer:
    """`asv run` for two commits of an empty project in the environment that is there, then `asv compare -f 1.05`."""
    (job.folder / "benchmarks").mkdir()
    (job.folder / "benchmarks" / "__init__.py").touch()
    shutil.copy(FOLDER / "with_asv.py", job.folder / "benchmarks")
    project = {"version": 1, "project": "steps", "repo": ".", "branches": ["main"], "environment_type": "existing"}
    (job.folder / "asv.conf.json").write_text(json.dumps({**project, "results_dir": "results"}))
    home = {"HOME": str(job.folder), "ASV_PYTHONPATH": _path()}
    identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    job.start("git", "init", "--quiet", "--initial-branch=main", variables=home)
    command = [sys.executable, "-m", "asv"]
    job.start(*command, "machine", "--yes", "--machine=here", variables=home)
    commits = []
    for planted in (0.0, job.planted):
        job.start("git", *identity, "commit", "--quiet", "--allow-empty", "--message=Empty", variables=home)
        commits.append(job.start("git", "rev-parse", "HEAD", variables=home).stdout.strip())
        fixed = ["--python=same", "--machine=here", "--set-commit-hash", commits[-1], "--record-samples"]
        job.start(*command, "run", *fixed, planted=planted, variables=home)
    done = job.start(*command, "compare", "-f", f"{1 + THRESHOLD / 100}", "--machine=here", *commits, variables=home)
    return compared(done.stdout)


def compared(told: str) -> Answer:
    """What `asv compare` says of the one benchmark: its mark is + where the head is slower.

    Raises:
        RuntimeError: it says nothing of it.
    """
    for line in told.splitlines():
        fields = [field.strip() for field in line.strip().strip("|").split("|")]
        if fields[-1].endswith("time_step"):
            return {"failed": fields[0] == "+", "ratio": float(fields[3].lstrip("~"))}
    raise RuntimeError(f"asv compares nothing: {told[-500:]}")


def version(tool: str) -> str:
    """Of a peer; empty where it is not installed."""
    if tool == "hyperfine":
        if not shutil.which(tool):
            return ""
        return subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    try:
        return importlib.metadata.version(tool)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _path() -> str:
    """Where the scripts find the steps, before what the caller's processes find."""
    return os.pathsep.join(filter(None, [str(FOLDER), os.environ.get("PYTHONPATH", "")]))


#: Every peer by the name in the table.
PEERS: dict[str, Callable[[Job], Answer]] = {
    "pytest-benchmark": pytest_benchmark,
    "asv": asv,
    "hyperfine": hyperfine,
    "pyperf": pyperf,
}
