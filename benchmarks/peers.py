# SPDX-License-Identifier: Apache-2.0
"""One whole run of a sampling tool in fresh processes: how each is called for a number of seconds, and what it says.

Every function gets a kind of steps, the wall seconds for both steps together, process starts included, what a process
costs, and an empty folder. It returns seconds per step of the smaller and the larger step, under every statistic that
the tool offers. Each is used as its documentation recommends, in the shape that makes most of the seconds.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "sampling_tools"
sys.path.insert(0, str(FOLDER))
from steps import DEPTH, WIDTHS  # noqa: E402 - the folder is no package: each file in it is a script

Times = dict[str, list[float]]
#: One thread for everybody.
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}


class DoesNotFit(Exception):  # noqa: N818 - no error: a finding
    """A tool that cannot do this kind in these seconds; the message says why."""


@dataclass(frozen=True)
class Costs:
    """What processes cost, in seconds.

    Attributes:
        start: a process that builds a step of the kind, and no more.
        torch: a process that imports torch.
        call: one call of the larger step.
    """

    start: float
    torch: float
    call: float


@dataclass(frozen=True)
class Job:
    """One whole run: which steps, how long, what processes cost, where files may go."""

    kind: str
    seconds: float
    costs: Costs
    folder: Path

    def start(self, *command: object, **environment: str) -> str:
        """Runs a command in the folder; its standard output.

        Raises:
            RuntimeError: it fails, or takes far longer than its seconds.
        """
        own = {**THREADS, "PYTHONPATH": str(FOLDER), "SAMPLING_KIND": self.kind, **environment}
        arguments = [str(item) for item in command]
        try:
            done = subprocess.run(
                arguments,
                env={**os.environ, **own},
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=10 * self.seconds + 60,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"{arguments[:3]} took more than {error.timeout:.0f} s") from None
        if done.returncode:
            raise RuntimeError(f"{arguments[:3]} ended with {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
        return done.stdout


def measure_costs(kind: str, folder: Path) -> Costs:
    """What processes of a kind cost here, the least of three each."""

    def least(*command: object) -> float:
        took = []
        for _ in range(3):
            began = time.perf_counter()
            Job(kind, 60, Costs(0, 0, 0), folder).start(sys.executable, *command)
            took.append(time.perf_counter() - began)
        return min(took)

    start = least(FOLDER / "steps.py", kind, WIDTHS[kind][1], 0)
    calls = 1000
    call = (least(FOLDER / "steps.py", kind, WIDTHS[kind][1], calls) - start) / calls
    return Costs(start, least("-c", "import torch"), max(call, 1e-6))


def serialprof(job: Job, precision: float = 1e-6, meter: str = "metered") -> dict[str, Any]:
    """Both steps as two points of one run, with a precision out of reach, so that it uses all its seconds."""
    budget = max(1.0, job.seconds - 0.7 - 1.5 * job.costs.start)  # the rest goes to processes before the sampling
    script = FOLDER / "with_serialprof.py"
    store = job.folder / "run.serialprof"
    answer: dict[str, Any] = json.loads(job.start(sys.executable, script, job.kind, budget, precision, meter, store))
    if None in answer["times"]["estimate"]:
        raise RuntimeError("a step has no time")
    return answer


def serialprof_to_1_percent(job: Job) -> dict[str, Any]:
    """The same, ended by itself where it states 1 % for both steps."""
    return serialprof(job, precision=0.01)


def serialprof_unmetered(job: Job) -> dict[str, Any]:
    """The same without the clock meter: for the engine's own share."""
    return serialprof(job, meter="unmetered")


def pyperf(job: Job) -> dict[str, Any]:
    """Many processes, one after the other: up to its default of 20, with its default of 3 values each or more."""
    import pyperf as library

    value = job.costs.call * 2 ** math.ceil(math.log2(0.1 / job.costs.call))  # it doubles its loops up to 0.1 s
    process = 1.1 * job.costs.start + 0.2  # torch also takes time to end
    each = job.seconds / 2 - process - 2 * value  # a first process calibrates
    processes = int(min(20, max(2, each / (process + 4 * value))))
    values = int(max(3, (each / processes - process) / value - 1))
    expected = 2 * (process + 2 * value + processes * (process + (values + 1) * value))
    if expected > 1.25 * job.seconds:
        raise DoesNotFit(f"three processes of each step take {expected:.0f} s")
    output = job.folder / "pyperf.json"
    options = ["--processes", processes, "--values", values, "--quiet", "--inherit-environ", ",".join(THREADS)]
    job.start(sys.executable, FOLDER / "with_pyperf.py", *options, "--kind", job.kind, "--output", output)
    first, second = (bench.get_values() for bench in library.BenchmarkSuite.load(str(output)).get_benchmarks())
    return {"times": _statistics(first, second), "options": [str(item) for item in options]}


def pytest_benchmark(job: Job) -> dict[str, Any]:
    """Half of the seconds as the longest time of each test, the garbage collector off, a short warm-up."""
    each = max(0.5, (job.seconds - job.costs.start - 1.0) / 2)
    output = job.folder / "pytest.json"
    options = [f"--benchmark-max-time={each}", "--benchmark-disable-gc", "--benchmark-warmup=on"]
    options += [f"--benchmark-warmup-iterations={max(1, round(0.1 / job.costs.call))}"]
    place = ["-c", os.devnull, "--rootdir", job.folder, "-p", "no:cacheprovider", "-q"]
    job.start(sys.executable, "-m", "pytest", FOLDER / "with_pytest.py", *place, *options, f"--benchmark-json={output}")
    results = {item["name"]: item["stats"] for item in json.loads(output.read_text())["benchmarks"]}
    pair = [results["test_first"], results["test_second"]]
    times = {name: [stats[name] / DEPTH for stats in pair] for name in ("median", "mean", "min")}
    return {"times": times, "options": options}


def torch_timer(job: Job) -> dict[str, Any]:
    """torch.utils.benchmark: blocked for half of the seconds, after its adaptive mode, which ends by itself."""
    each = max(0.5, (job.seconds - max(job.costs.start, job.costs.torch) - 0.2) / 2)
    answer: dict[str, Any] = json.loads(job.start(sys.executable, FOLDER / "with_torch.py", job.kind, each))
    return {**answer, "options": [f"min_run_time={each:.3g}"]}


def hyperfine(job: Job) -> dict[str, Any]:
    """Whole processes with many calls, less the same process without a call."""
    if not shutil.which("hyperfine"):
        raise DoesNotFit("hyperfine is not installed")
    start = job.costs.start
    work = max(0.5, start)
    runs = int(job.seconds / (3 * start + 2 * work)) - 1
    if runs < 2:
        work, runs = max(0.2, (job.seconds / 3 - 3 * start) / 2), 2
    if (runs + 1) * (3 * start + 2 * work) > 1.25 * job.seconds:
        raise DoesNotFit(f"three commands, two runs and a warm-up each, take {9 * start + 6 * work:.0f} s")
    calls = max(1, round(work / job.costs.call))
    first, second = WIDTHS[job.kind]
    commands = [
        f"{sys.executable} {FOLDER / 'steps.py'} {job.kind} {width} {number}"
        for width, number in ((first, 0), (first, calls), (second, calls))
    ]
    output = job.folder / "hyperfine.json"
    options = ["--shell=none", "--warmup=1", f"--runs={runs}"]
    job.start("hyperfine", *options, f"--export-json={output}", *commands)
    empty, *pair = json.loads(output.read_text())["results"]
    times = {
        name: [(item[name] - empty[name]) / (calls * DEPTH) for item in pair] for name in ("mean", "median", "min")
    }
    return {"times": times, "options": [*options, f"calls={calls}"]}


def asv(job: Job) -> dict[str, Any]:
    """`asv run` in the existing environment on an empty project; two rounds (its default) or more, each a process."""
    process = job.costs.start + 0.2
    available = job.seconds - 1.5 - process  # the tool itself, and its discovery of the benchmarks
    rounds = int(min(8, max(2, available / 2 / (process + 1.0))))
    longest = available / (2 * rounds) - process - 0.1  # 0.1 s of warm-up
    if longest < 0.05:
        raise DoesNotFit(f"its five processes take {1.5 + 5 * process:.0f} s")
    (job.folder / "benchmarks").mkdir()
    (job.folder / "benchmarks" / "__init__.py").touch()
    shutil.copy(FOLDER / "with_asv.py", job.folder / "benchmarks")
    project = {"version": 1, "project": "steps", "repo": ".", "branches": ["main"], "environment_type": "existing"}
    (job.folder / "asv.conf.json").write_text(json.dumps({**project, "results_dir": "results"}))
    home = {"HOME": str(job.folder), "ASV_PYTHONPATH": str(FOLDER)}
    identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    job.start("git", "init", "--quiet", "--initial-branch=main", **home)
    job.start("git", *identity, "commit", "--quiet", "--allow-empty", "--message=Empty", **home)
    commit = job.start("git", "rev-parse", "HEAD", **home).strip()
    command = [sys.executable, "-m", "asv"]
    job.start(*command, "machine", "--yes", "--machine=here", **home)
    options = ["-a", f"rounds={rounds}", "-a", f"repeat=(2, 1000000, {longest:.3f})"]
    fixed = ["--python=same", "--machine=here", "--set-commit-hash", commit, "--record-samples"]
    job.start(*command, "run", *fixed, *options, **home)
    (file,) = (job.folder / "results" / "here").glob("*existing*.json")
    document = json.loads(file.read_text())
    samples = document["result_columns"].index("samples")
    first, second = (document["results"][f"with_asv.time_{name}"][samples][0] for name in ("first", "second"))
    return {
        "times": _statistics([item / DEPTH for item in first], [item / DEPTH for item in second]),
        "options": options,
    }


def _statistics(first: Sequence[float], second: Sequence[float]) -> Times:
    functions: dict[str, Callable[[Sequence[float]], float]] = {
        "mean": statistics.fmean,
        "median": statistics.median,
        "min": min,
    }
    return {name: [function(first), function(second)] for name, function in functions.items()}


#: Every tool by the name in the table.
TOOLS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "serialprof": serialprof,
    "serialprof to 1 %": serialprof_to_1_percent,
    "serialprof unmetered": serialprof_unmetered,
    "pyperf": pyperf,
    "pytest-benchmark": pytest_benchmark,
    "torch.utils.benchmark": torch_timer,
    "hyperfine": hyperfine,
    "asv": asv,
}
#: Those whose spread is compared; the others are about serialprof itself.
PEERS = ("pyperf", "pytest-benchmark", "torch.utils.benchmark", "hyperfine", "asv")
