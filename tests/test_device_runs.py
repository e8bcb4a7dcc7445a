# SPDX-License-Identifier: Apache-2.0
"""A run of a workload on torch: limits of the device first, dissections last; all of it real, on the CPU."""

from pathlib import Path

import pytest

import serialprof
from serialprof.measure.dissections import BLOCKS

torch = pytest.importorskip("torch")
SOURCE = """
import serialprof

@serialprof.workload(
    width="batch", widths=(1, 2, 4, 8), default_depth=8, devices=("cpu", "cuda"), requires=("torch",), open_ended=True
)
def product(setting):
    import torch
    start, weights = torch.zeros(setting.width, 64), torch.eye(64)
    class Stepper:
        def run(self, steps):
            state = start
            for _ in range(steps):
                state = state @ weights
    return Stepper()
"""


def test_what_torch_drives_is_probed_sampled_and_taken_apart(tmp_path: Path) -> None:
    (tmp_path / "toys.py").write_text(SOURCE)
    run = serialprof.run(
        f"{tmp_path / 'toys.py'}:product",
        threads=[1],
        budget=10.0,
        precision=0.99,
        quick=True,
        stand_ins=(),
        output=tmp_path / "a.serialprof",
    ).stored
    assert run.status == "complete" and run.plan.descriptions[0].on_torch
    (limits,) = run.devices
    assert (limits.device, limits.threads) == ("cpu", 1)
    assert limits.launch is not None and 1e-8 < limits.launch < 1e-2
    assert run.dissections, run.dissection_gaps
    assert {item.point for item in run.dissections} <= {visit.point for visit in run.visits if visit.status == "ok"}
    assert max(item.block for item in run.dissections) < BLOCKS
    first = run.dissections[0].anatomy
    assert first.step > 0 and (first.enqueue, first.device) == (None, None), "steps on the CPU are synchronous"
    assert first.profile is not None and first.profile.kernels >= 1, first.unprofiled
