# SPDX-License-Identifier: Apache-2.0
"""Does serialprof find where a step's time goes on a device? Planted steps, a real model, the cost of being profiled.

    python -m benchmarks.gpu                    on the CPU, about ten minutes
    python -m benchmarks.gpu --device cuda      on a GPU
    python -m benchmarks.gpu --quick            a quick look

Planted: `torch-planted` spins on the host, keeps a kernel busy, and takes so long for every lane, all known by
construction (benchmarks/gpu_tools/plants.py). Goals: each part within 10 % of the truth (of a fifth of the step where
it is less), the knee within one step of the sweep.

Real: the causal language model of docs/examples/transformers_generate.py. Goal: at most 10 % of a step unattributed. On
a GPU the share of dispatch and launch gaps is told beside that of a trace's critical path by HolisticTraceAnalysis.

Cost: a step of 1 ms as serialprof samples it, and in a bare loop. Goal: it takes at most 2 % longer.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.gpu_tools.critical_path import launch_share
from benchmarks.gpu_tools.overhead import BLOCKS, STEP, overhead
from benchmarks.gpu_tools.plants import PLANTS, WIDTHS, Plant, scores_of, undissected
from benchmarks.gpu_tools.scoring import HEAD, OVERHEAD, UNATTRIBUTED, Score, at_most, line
from benchmarks.recording import record
from serialprof.estimate import Estimate
from serialprof.limits import Limits
from serialprof.machine import Machine
from serialprof.measure.effort import QUICK
from serialprof.measure.introspection import probe_limits
from serialprof.model.dissected import GAPS, HOST, UNTOLD, DeviceAnalysis, DeviceStep
from serialprof.planning import Request
from serialprof.preparation import look_at_machine, prepare
from serialprof.session import measure
from serialprof.view import Run

#: The real model, and the batches at which it runs.
MODEL: Final = "docs/examples/transformers_generate.py:generate"
BATCHES: Final = (1, 2, 4, 8, 16, 32)
#: Seconds of one run, of one with the model, whose workers take seconds to start, and of one in the quick form.
BUDGET: Final = 60.0
MODEL_BUDGET: Final = 240.0
QUICK_BUDGET: Final = 25.0


class Bench:
    """What all parts share: the machine, the device, how long a run takes; and which share of each was disturbed."""

    def __init__(self, device: str, folder: Path, *, quick: bool) -> None:
        self.device: Final = device
        self.folder: Final = folder
        self.quick: Final = quick
        self.disturbed: Final[dict[str, float]] = {}
        self.machine: Final[Machine] = look_at_machine()
        self.limits: Final[Limits] = probe_limits(self.machine.cpus, (1,), effort=QUICK, parts=("chains",))

    def measured(self, name: str, request: Request, budget: float = BUDGET) -> Run:
        """One whole run on one thread of the host, without stand-ins but with dissections."""
        budget = QUICK_BUDGET if self.quick else budget
        request = replace(request, device=self.device, threads=(1,), budget=budget, quick=self.quick)
        run = measure(prepare(request, self.machine), self.folder / f"{name}.serialprof", limits=self.limits)
        samples = [sample for visit in run.stored.visits for sample in visit.samples]
        self.disturbed[name] = sum(bool(sample.disturbed) for sample in samples) / max(1, len(samples))
        return run

    def planted(self, plant: Plant) -> Iterator[Score]:
        """The scores of one plant."""
        request = Request(("torch-planted",), widths=WIDTHS, parameters=dict(plant.parameters))
        run = self.measured(plant.name.replace(" ", "-"), request)
        yield from scores_of(plant, analysed(run), self.device, WIDTHS)

    def model(self) -> Iterator[Score]:
        """How much of the model's step stays unattributed at every batch, and how far the parts are from the samples.

        On the CPU the first is 0 by definition, for what is no operation of the framework is its dispatch; so the parts
        of the dissected step are also added up and compared with the step as it was sampled.
        """
        run = self.measured("model", Request((MODEL,), widths=BATCHES), MODEL_BUDGET)
        found = analysed(run)
        steps = {step.width: step for step in found.steps} if found else {}
        for width in BATCHES:
            case, step = f"transformers, batch {width}", steps.get(width)
            if step is None:
                yield at_most(case, "unattributed", None, UNATTRIBUTED, undissected(found))
                yield at_most(case, "parts - sample", None, UNATTRIBUTED, undissected(found))
                continue
            told = step.part(UNTOLD).share
            yield at_most(case, "unattributed", told.value, UNATTRIBUTED, told.reason)
            seconds = sampled(run, width)
            why = "" if seconds else "all samples were disturbed"
            yield at_most(case, "parts - sample", apart(step, seconds), UNATTRIBUTED, why)

    def launching(self) -> dict[str, Any]:
        """The launch share of torch-lstm by serialprof and by a trace's critical path; or why there is none."""
        if self.device == "cpu":
            return {"missing": "a critical path through launches and kernels takes a trace of a GPU"}
        run = self.measured("launching", Request(("torch-lstm",), widths=(1, 8, 64, 512)))
        found = analysed(run)
        if found is None or not found.steps:
            return {"missing": "no step was dissected"}
        step = found.steps[0]
        own = [step.part(cause).share.value for cause in (HOST, GAPS)]
        setting = next(point.setting for point in run.stored.plan.points if point.setting.width == step.width)
        try:
            path = launch_share("torch-lstm", setting)
        except RuntimeError as error:
            return {"serialprof": own, "missing": str(error)}
        return {"serialprof": own, "critical path": path, "batch": step.width}


def analysed(run: Run) -> DeviceAnalysis | None:
    """What is said of the steps of the one family of a run on their device."""
    return run.analysis.families[0].device


def sampled(run: Run, width: int) -> float | None:
    """Seconds of a step at a batch as it was sampled, None where all samples were disturbed."""
    (family,) = run.analysis.families
    return next((item.step.value for item in family.points if item.point.setting.width == width), None)


def apart(step: DeviceStep, seconds: float | None) -> float | None:
    """By which share the parts but the unattributed one add up to more than a step takes; a bracket is its middle."""
    parts = [middle(part.seconds) for part in step.parts if part.cause != UNTOLD]
    return None if not seconds else math.fsum(parts) / seconds - 1


def middle(part: Estimate) -> float:
    """Seconds of a part: its value, the middle of its bracket, or 0 where it is in another part."""
    if part.value is not None:
        return part.value
    return 0.0 if part.low is None or part.high is None else (part.low + part.high) / 2


def main() -> None:
    """Runs the benchmark, prints one line per number, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    arguments = parser.parse_args()
    sys.argv[:1] = ["-m", "benchmarks.gpu"]  # as it is recorded
    scores: list[Score] = []

    def tell(score: Score) -> None:
        scores.append(score)
        print(line(score), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.device, Path(folder), quick=arguments.quick)
        print(HEAD)
        for plant in PLANTS[:1] if arguments.quick else PLANTS:
            for score in bench.planted(plant):
                tell(score)
        for score in bench.model():
            tell(score)
        launching = bench.launching()
    cost = overhead(bench.device, 5 if arguments.quick else BLOCKS)
    tell(at_most(f"sampled, a step of {1e3 * STEP:g} ms", "overhead", cost.extra, OVERHEAD))
    print(f"{'':<34} {'':<15} 95 % interval of the overhead +- {cost.half_width:.2%}")
    print("launch share and critical path: " + ", ".join(f"{name} {value}" for name, value in launching.items()))
    print("disturbed samples: " + ", ".join(f"{name} {share:.0%}" for name, share in bench.disturbed.items()))
    print(f"{sum(score.met for score in scores)} of {len(scores)} goals met")
    result = {
        "device": bench.device,
        "scores": [{**asdict(score), "met": score.met} for score in scores],
        "plants": [asdict(plant) for plant in PLANTS],
        "overhead": asdict(cost),
        "launch share": launching,
        "disturbed": bench.disturbed,
    }
    print(f"written: {record(f'gpu-{bench.device.replace(chr(58), chr(45))}', bench.machine, result)}")


if __name__ == "__main__":
    main()
