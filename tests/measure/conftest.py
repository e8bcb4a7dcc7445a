# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

SOURCE = """
import os, signal, sys, time
import numpy
import serialprof

SEEN = {"threads": os.environ["OMP_NUM_THREADS"], "cpus": len(os.sched_getaffinity(0))}

def once(action):
    return serialprof.workload(widths=(1, 2, 3, 4), default_depth=3)(action)

@once
def sound(setting):
    state = [1]
    def step():
        state[0] = (state[0] * 6364136223846793005 + setting.width) % 2**64
    return step

@once
def environment(setting):
    raise RuntimeError(f"threads={SEEN['threads']} cpus={SEEN['cpus']}")

@once
def pinned(setting):
    raise RuntimeError(f"mode={setting.mode} cpus={len(os.sched_getaffinity(0))}")

@once
def raises(setting):
    def step():
        raise ZeroDivisionError("at\\nstep 1")
    return step

@once
def aborts(setting):
    return lambda: os.kill(os.getpid(), signal.SIGABRT)

@once
def exits(setting):
    return lambda: os._exit(7)

@once
def leaves(setting):
    return lambda: sys.exit(3)

@once
def hangs(setting):
    return lambda: signal.pause()

@once
def prints(setting):
    print('{"type": "Calibrated", "seconds": 1}')
    os.write(1, b"garbage" * 1000)
    return lambda: None

@once
def floods(setting):
    os.write(1, b"x" * 9_999 + b"\\n")
    if setting.width == 2:
        os.write(1, b"the last of it")
        os._exit(7)
    return lambda: None

@once
def starves(setting):
    raise MemoryError

@once
def eats(setting):
    eaten = []
    def step():
        while True:
            eaten.append(bytearray(b"x") * (16 << 20))
    return step

@once
def loses_its_device(setting):
    class Stepper:
        stderr = str(os.getpid())
        def run(self, steps):
            if setting.width == 2:
                raise RuntimeError("CUDA error: device-side assert triggered\\nCompile with TORCH_USE_CUDA_DSA ...")
    return Stepper()

@once
def babbles(setting):
    def step():
        for number in range(3, 64):  # whatever pipe it finds, the worker's own among them
            try:
                os.write(number, b"garbage\\n")
            except OSError:
                pass
    return step

@once
def tells_its_process(setting):
    class Stepper:
        stderr = str(os.getpid())
        def run(self, steps):
            pass
    return Stepper()

@once
def needs_more(setting):
    return serialprof.Setting

@once
def wrong(setting):
    class Stepper:
        def run(self, steps):
            pass
        def check(self):
            assert setting.width > 1, "the answer is 41"
    return Stepper()

@once
def leaves_children(setting):
    import subprocess
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    with open(os.path.join(os.path.dirname(__file__), "child"), "w") as file:
        file.write(str(child.pid))
    return lambda: None

def amounts(setting):
    flops = float("nan") if setting.width == 2 else numpy.float64(3)
    zero = serialprof.Affine()
    return serialprof.Work(numpy.int64(1), serialprof.Affine(0, flops), zero, zero, serialprof.Affine(1))

counted = serialprof.workload(
    widths=numpy.array([1, 2, 4, 8]), default_depth=numpy.int32(3), parameters={"size": numpy.int64(2)}, work=amounts
)(sound.build)

no_work = serialprof.workload(work=lambda setting: 3)(sound.build)

def refuse(setting):
    raise ValueError(f"width = {setting.width} is odd; take an even one")

declared = serialprof.workload(work=refuse)(sound.build)
"""


@pytest.fixture
def toys(tmp_path: Path) -> Path:
    """A file of workloads that misbehave in many ways."""
    path = tmp_path / "toys.py"
    path.write_text(SOURCE)
    return path
