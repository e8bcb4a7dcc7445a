# SPDX-License-Identifier: Apache-2.0
"""CUDA devices as NVML names them; a machine without NVML is an ordinary machine without a GPU."""

from __future__ import annotations

from serialprof.machine.description import Gpu


def read_gpus() -> tuple[Gpu, ...]:
    """The CUDA devices of this machine, none where there is no NVML library, no driver, or no permission."""
    import pynvml  # lazily: the command line's --help must not pay for it

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        driver = str(pynvml.nvmlSystemGetDriverVersion())
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return tuple(
            Gpu(str(pynvml.nvmlDeviceGetName(handle)), int(pynvml.nvmlDeviceGetMemoryInfo(handle).total), driver)
            for handle in handles
        )
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()
