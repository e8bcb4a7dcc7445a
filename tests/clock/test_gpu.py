# SPDX-License-Identifier: Apache-2.0
"""Reading GPUs, by a made-up NVML."""

from pathlib import Path

import pytest

from serialprof.clock.gpu import GpuReading, read_gpu, reasons
from serialprof.clock.nvml import Nvml, NvmlError
from serialprof.errors import CannotMeasureError, ExitCode
from tests.clock import gpus as made
from tests.clock.gpus import Gpus


def test_a_gpu_is_read_in_base_units(gpus: Gpus) -> None:
    assert read_gpu(0, gpus.library) == GpuReading(0, "Fake GPU A", 345_000_000, 2_619_000_000, 71.5, 34.0, ("idle",))
    gpus.put("gpu0", "1410")
    assert read_gpu(0, gpus.library).sm_clock == 1_410_000_000
    assert gpus.calls == [], "reading changes nothing"


def test_what_nvml_does_not_tell_is_none(gpus: Gpus) -> None:
    reading = read_gpu(1, gpus.library)
    assert (reading.power, reading.temperature) == (None, 34.0)
    assert reading.reasons == ("power cap", "heat (by hardware)")


def test_an_older_driver_calls_them_throttle_reasons(gpus: Gpus, tmp_path: Path) -> None:
    assert read_gpu(1, made.compiled(tmp_path, "-DOLD_DRIVER")).reasons == ("power cap", "heat (by hardware)")


def test_reasons_in_words() -> None:
    assert reasons(0) == ()
    assert reasons(0x8 | 0x80) == ("hardware slowdown", "power brake")
    assert reasons(0x1 | 0x400) == ("idle", "another reason")


def test_no_nvml_is_an_ordinary_machine(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match=r"no NVIDIA driver \(NVML\) on this machine") as caught:
        read_gpu(0, str(tmp_path / "none.so"))
    assert caught.value.exit_code == ExitCode.CANNOT_MEASURE


def test_a_gpu_that_is_not_there(gpus: Gpus) -> None:
    with pytest.raises(CannotMeasureError, match="GPU 2 cannot be read: Invalid Argument"):
        read_gpu(2, gpus.library)
    gpus.put("no-driver")
    with pytest.raises(CannotMeasureError, match="GPU 0 cannot be read: Driver Not Loaded"):
        read_gpu(0, gpus.library)


def test_the_clocks_that_can_be_locked_ascend(gpus: Gpus) -> None:
    with Nvml(gpus.library) as nvml:
        assert (nvml.count(), nvml.clocks(0)) == (2, (210, 1095, 1410, 1980))
        with pytest.raises(NvmlError):
            nvml.clocks(7)
