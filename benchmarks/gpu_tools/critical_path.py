# SPDX-License-Identifier: Apache-2.0
"""The launch share of a step by a trace-based critical path: HolisticTraceAnalysis over a trace of torch.profiler.

It does not run with pandas 3 and lives in an environment of its own; `with_hta.py` is what runs there.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.gpu_tools.scoring import launching
from serialprof.loading import load
from serialprof.setting import Setting

#: The Python that has it, and how it comes to.
PYTHON: Final = Path(".venv-hta/bin/python")
REMEDY: Final = "python -m venv .venv-hta; .venv-hta/bin/pip install HolisticTraceAnalysis 'pandas<3'"
#: run(D) in a trace; the path goes through the second, for the first of a trace may lack events.
_TRACED: Final = 4


def launch_share(reference: str, setting: Setting) -> float:
    """The share of the critical path through a run(D) that is host, launch delay and gaps between kernels."""
    with tempfile.TemporaryDirectory() as folder:
        trace(reference, setting, Path(folder))
        return launching(critical_path(Path(folder)))


def critical_path(folder: Path) -> dict[str, float]:
    """Percent of the critical path through a traced run(D), by what bounds it.

    Raises:
        RuntimeError: there is no environment with HolisticTraceAnalysis, or it found no path.
    """
    if not PYTHON.exists():
        raise RuntimeError(f"HolisticTraceAnalysis is missing: {REMEDY}")
    command = [PYTHON, Path(__file__).with_name("with_hta.py"), folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"HolisticTraceAnalysis: {done.stderr.strip().splitlines()[-1]}")
    shares: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return shares


def trace(reference: str, setting: Setting, folder: Path) -> None:
    """Writes a trace of some run(D), each a step of the profiler, with the events of synchronisation."""
    import torch
    from torch.profiler import ProfilerActivity, profile, schedule

    stepper: Any = load(reference).stepper(setting)
    wait = getattr(stepper, "sync", lambda: None)
    with profile(
        activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if setting.on_cuda else [])],
        schedule=schedule(wait=1, warmup=1, active=_TRACED),
        on_trace_ready=lambda item: item.export_chrome_trace(str(folder / "rank0.json")),
        experimental_config=torch._C._profiler._ExperimentalConfig(enable_cuda_sync_events=True),
    ) as profiler:
        for _ in range(_TRACED + 2):
            stepper.run(setting.depth)
            wait()
            profiler.step()
