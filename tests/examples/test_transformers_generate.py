# SPDX-License-Identifier: Apache-2.0
"""The generate loop of transformers does what it says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serialprof.loading import load
from serialprof.setting import Setting

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

EXAMPLE = f"{Path(__file__).parents[2]}/docs/examples/transformers_generate.py:generate"
TINY: dict[str, Any] = {"hidden": 32, "intermediate": 32, "layers": 1, "vocabulary": 64, "context": 8}


@pytest.fixture(scope="module")
def setting() -> Setting:
    workload = load(EXAMPLE)
    return Setting(width=2, depth=4, mode="eager", parameters={**workload.parameters, **TINY})


@pytest.mark.parametrize("dtype", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("context", [1, 8])
def test_a_step_is_a_token_and_every_run_starts_from_the_prompt(setting: Setting, dtype: str, context: int) -> None:
    parameters = {**setting.parameters, "context": context}
    generate = load(EXAMPLE).stepper(replace(setting, dtype=dtype, parameters=parameters))
    generate.check()  # type: ignore[attr-defined]
    first, second = generate.run(4), generate.run(6)
    assert isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor)
    assert (first.shape, second.shape) == ((2, context + 4), (2, context + 6))
    assert torch.equal(first, second[:, : context + 4])
    assert torch.equal(first, generate.delayed(4, 1e-6))  # type: ignore[attr-defined]


def test_the_check_finds_a_cache_that_holds_something_else(setting: Setting) -> None:
    generate: Any = load(EXAMPLE).stepper(setting)
    generate.cache.layers[0].values.mul_(-100)
    with pytest.raises(AssertionError, match="tokens differ from those without a cache"):
        generate.check()


def test_the_declared_weights_are_those_of_the_model_without_its_embedding_and_norms(setting: Setting) -> None:
    generate: Any = load(EXAMPLE).stepper(setting)
    work = load(EXAMPLE).declared(setting)
    norms = sum(p.numel() for name, p in generate.model.named_parameters() if "norm" in name)
    streamed = generate.model.num_parameters() - norms - TINY["vocabulary"] * TINY["hidden"]
    assert work is not None
    assert work.bytes.fixed == 4 * streamed
    assert work.flops.per_lane - 4 * (8 + 2) * 32 == 2 * streamed
