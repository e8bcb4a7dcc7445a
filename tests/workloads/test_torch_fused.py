# SPDX-License-Identifier: Apache-2.0
"""The Triton kernel that holds all steps of a recurrent cell, in Triton's interpreter, which runs it on the CPU."""

from __future__ import annotations

import importlib.util

import pytest

torch = pytest.importorskip("torch")

from serialprof.loading import load  # noqa: E402
from serialprof.setting import Setting  # noqa: E402

TRITON = importlib.util.find_spec("triton") is not None

interpreted = pytest.mark.skipif(
    not TRITON or torch.cuda.is_available(), reason="Triton is not installed, or compiles for a CUDA device"
)


def setting(**changes):
    return Setting(**{"width": 3, "depth": 6, "mode": "fused", "parameters": {"hidden": 24}, **changes})


@interpreted
@pytest.mark.filterwarnings("ignore")  # Triton's own
@pytest.mark.parametrize("dtype", ["fp32", "fp16"])  # the interpreter knows no bf16
@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("name", ["torch-rnn", "torch-gru", "torch-lstm"])
def test_one_kernel_does_what_the_steps_do(name, form, dtype, monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")  # before the kernel's module is first imported
    for width, depth in ((1, 1), (19, 6)):
        load(name).stepper(setting(width=width, depth=depth, form=form, dtype=dtype)).check()


@interpreted
@pytest.mark.filterwarnings("ignore")
def test_check_finds_another_weight(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    from serialprof_workloads.torchkit import fused_cells

    stepper = load("torch-rnn").stepper(setting())
    stepper.check()
    original = fused_cells.FusedCell.__init__

    def transposed(self, cell, weights, inputs):
        original(self, cell, {**weights, "weight_hh": weights["weight_hh"].T.contiguous()}, inputs)

    monkeypatch.setattr(fused_cells.FusedCell, "__init__", transposed)
    with pytest.raises(AssertionError, match="off by"):
        load("torch-rnn").stepper(setting()).check()


@pytest.mark.skipif(TRITON, reason="Triton is installed")
def test_says_that_triton_is_missing():
    with pytest.raises(ValueError, match="mode fused needs triton, which is not installed"):
        load("torch-rnn").stepper(setting())
