# SPDX-License-Identifier: Apache-2.0
"""What doctor says of the clocks of GPUs that are made up."""

from pathlib import Path

from serialprof.clock.gpusurvey import gpu_clocks
from serialprof.machine.finding import Finding
from tests.clock.gpus import Gpus


def test_each_gpu_is_told_with_what_holds_it_down(gpus: Gpus) -> None:
    assert gpu_clocks(gpus.library) == (
        Finding(
            "GPU 0 clock",
            "good",
            "Fake GPU A: core 345 MHz, memory 2.619 GHz, 72 W, 34 degrees Celsius, idle; root may lock it at 210 MHz "
            "to 1.98 GHz (--gpu-clock).",
        ),
        Finding(
            "GPU 1 clock",
            "costs",
            "Fake GPU B: core 345 MHz, memory 2.619 GHz, 34 degrees Celsius; root may lock it at 210 MHz to 1.98 GHz "
            "(--gpu-clock). Its clock is held down by power cap and heat (by hardware).",
        ),
    )
    assert gpus.calls == []


def test_without_nvml_or_driver_nothing_is_said(gpus: Gpus, tmp_path: Path) -> None:
    assert gpu_clocks(str(tmp_path / "none.so")) == ()
    gpus.put("no-driver")
    assert gpu_clocks(gpus.library) == ()
