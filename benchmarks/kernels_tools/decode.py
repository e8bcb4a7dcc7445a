# SPDX-License-Identifier: Apache-2.0
"""decode: greedy decoding of a small transformer from one first token per lane; one step is one token of every lane.

All get the same weights; those that ours keeps in bf16, peers keep as the same values in fp32. llama.cpp is named as
missing: none of the architectures that it knows is this model (norm by root mean square, learned positions, ReLU), so
that it could not choose the same tokens.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.kernels_tools.core import Case, Core, Job, Missing, Ready
from serialprof import _native
from serialprof_workloads.decode import weights_of

STEPS: Final = 32
EPSILON: Final = 1e-5
#: Where two logits are nearly the same, rounding decides, and from there on the lane goes another way.
LEAST_EQUAL: Final = 0.9
END: Final = "end"


def note(job: Job) -> str:
    """What is to be known of a peer's weights."""
    return "its weights are kept in fp32" if weights_of(job.setting) == "bf16" else ""


def kernel_of(job: Job) -> Any:
    """Our kernel."""
    names = ("model_dim", "layers", "heads", "vocabulary", "context")
    sizes = [job.integer(name) for name in names]
    kept = weights_of(job.setting)
    return _native.Decode(_native.Team(job.cpus), *sizes, job.steps, job.width, job.setting.seed, weights=kept)


def ours(job: Job) -> Ready:
    """The native kernel."""
    kernel = kernel_of(job)
    return Ready(lambda: kernel.run(job.steps), kernel.tokens)


def torch_eager(job: Job) -> Ready:
    """The workload torch-decode: a cache of all positions, attended to under a mask."""
    return _torch(job, compiled=False)


def torch_compile(job: Job) -> Ready:
    """The same, its step compiled."""
    return _torch(job, compiled=True)


def _torch(job: Job, *, compiled: bool) -> Ready:
    import torch

    from serialprof_workloads.torch_decode import decoding_at, forward

    if weights_of(job.setting) == "bf16":
        raise Missing("bf16 weights are compared with the fastest peers alone")
    torch.set_num_threads(job.threads)
    decoding = decoding_at(job.setting)

    def step(tokens: Any, at: Any) -> Any:
        return forward(decoding.model, tokens[:, None], at)[:, -1].argmax(dim=-1)

    function = torch.compile(step) if compiled else step
    positions = [torch.tensor([index]) for index in range(job.steps)]
    chosen: list[Any] = []

    def run() -> None:
        chosen.clear()
        tokens = decoding.first
        with torch.inference_mode():
            for at in positions:
                tokens = function(tokens, at)
                chosen.append(tokens)

    return Ready(run, lambda: torch.stack(chosen, dim=1).numpy().astype(np.int32))


def jax(job: Job) -> Ready:
    """jax.lax.scan over the tokens, jitted; a cache of all positions, attended to under a mask."""
    import jax as library

    from benchmarks.kernels_tools.decode_jax import decoded

    kernel = kernel_of(job)
    weights = {name: library.device_put(value) for name, value in kernel.weights().items()}
    sizes = {name: job.integer(name) for name in ("layers", "heads")}
    function = library.jit(lambda weights, first: decoded(weights, first, job.steps, **sizes, epsilon=EPSILON))
    first = library.device_put(kernel.first())
    last: list[Any] = [None]

    def run() -> None:
        last[0] = function(weights, first).block_until_ready()

    return Ready(run, lambda: np.asarray(last[0], dtype=np.int32), note(job))


def ctranslate2(job: Job) -> Ready:
    """Its Generator, greedy; one more token that ends a text stands in its vocabulary and is never chosen."""
    import ctranslate2 as library

    kernel = kernel_of(job)
    folder = job.folder / "model"
    _converted(job, kernel.weights(), folder)
    generator = library.Generator(str(folder), device="cpu", inter_threads=1, intra_threads=job.threads)
    start = [[str(token)] for token in kernel.first()]
    last: list[Any] = [None]

    def run() -> None:
        last[0] = generator.generate_batch(
            start, max_length=job.steps, min_length=job.steps, end_token=END, include_prompt_in_result=False
        )

    def tokens() -> NDArray[np.int32]:
        return np.array([[int(token) for token in item.sequences[0]] for item in last[0]], dtype=np.int32)

    return Ready(run, tokens, note(job))


def _converted(job: Job, weights: dict[str, NDArray[np.float32]], folder: Path) -> None:
    """Writes the model as ctranslate2 reads it."""
    from ctranslate2.specs import TransformerDecoderModelSpec

    spec = TransformerDecoderModelSpec.from_config(job.integer("layers"), job.integer("heads"), rms_norm=True)
    decoder = spec.decoder
    decoder.scale_embeddings = False
    ended = np.zeros((1, job.integer("model_dim")), np.float32)
    decoder.embeddings.weight = np.concatenate([weights["embedding"], ended])
    decoder.projection.weight = np.concatenate([weights["head"], ended])
    decoder.position_encodings.encodings = weights["positions"]
    decoder.layer_norm.gamma = weights["final_gain"]
    for index, layer in enumerate(decoder.layer):
        part = {name: weights[f"layers.{index}.{name}"] for name in ("attention_gain", "mlp_gain")}
        layer.self_attention.layer_norm.gamma, layer.ffn.layer_norm.gamma = part["attention_gain"], part["mlp_gain"]
        layer.self_attention.linear[0].weight = weights[f"layers.{index}.qkv"]
        layer.self_attention.linear[1].weight = weights[f"layers.{index}.out"]
        layer.ffn.linear_0.weight = weights[f"layers.{index}.up"]
        layer.ffn.linear_1.weight = weights[f"layers.{index}.down"]
    spec.config.layer_norm_epsilon = EPSILON
    spec.config.eos_token = spec.config.bos_token = spec.config.unk_token = END
    spec.register_vocabulary([*map(str, range(job.integer("vocabulary"))), END])
    spec.validate()
    folder.mkdir()
    spec.save(str(folder))


def llama_cpp(job: Job) -> Ready:  # noqa: ARG001
    """Not the same model."""
    raise Missing("none of its architectures is this model (and llama-cpp-python has no wheel)")


def _case(name: str, batch: int, share: float, one: float, two: float, **sizes: int) -> Case:
    return Case(f"{name} B={batch}", batch, STEPS, {**sizes, "context": 0}, share, {1: one, 2: two})


def _bf16(name: str, **sizes: int) -> Case:
    return Case(f"{name} B=1 bf16", 1, STEPS, {**sizes, "context": 0, "weights": "bf16"}, 0.85)


SMALL: Final = {"model_dim": 256, "layers": 4, "heads": 4, "vocabulary": 1024}
LARGE: Final = {"model_dim": 512, "layers": 6, "heads": 8, "vocabulary": 1024}

CORES = (
    Core(
        "decode",
        (
            _case("d=256 L=4", 1, 0.85, 1.2, 2.0, **SMALL),
            _case("d=512 L=6", 1, 0.85, 1.2, 2.0, **LARGE),
            _bf16("d=256 L=4", **SMALL),
            _bf16("d=512 L=6", **LARGE),
            _case("d=256 L=4", 16, 0.45, 1.8, 1.8, **SMALL),
            _case("d=512 L=6", 16, 0.45, 1.8, 1.8, **LARGE),
        ),
        ours,
        {
            "torch": torch_eager,
            "torch compile": torch_compile,
            "jax": jax,
            "ctranslate2": ctranslate2,
            "llama.cpp": llama_cpp,
        },
        least_equal=LEAST_EQUAL,
    ),
)
