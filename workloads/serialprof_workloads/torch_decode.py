# SPDX-License-Identifier: Apache-2.0
"""torch-decode: the native `decode` in torch: the same weights, prompts and tokens; one step is one token per lane.

The keys and values lie in a cache that is allocated for all positions, and a step attends to all of it under a mask of
its position, which is a tensor on the device: shapes never change, so that one captured step serves for all of them.
The wide form is prefill: the tokens that decoding chose, all positions at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from serialprof._native import Decode, Team
from serialprof.catalog import Affine, Stepper, Work, workload
from serialprof_workloads.decode import NORM_OPS, SOFTMAX_OPS, chain
from serialprof_workloads.torchkit.knobs import (
    BYTES,
    DEVICES,
    DTYPES,
    MODES,
    QUICK_WIDTHS,
    WIDTHS,
    own_lanes,
    regions,
)
from serialprof_workloads.torchkit.stepper import PassStepper, TorchStepper, nothing
from serialprof_workloads.torchkit.tensors import device_of, element_type, placed, repeated, require_close

if TYPE_CHECKING:
    from torch import Tensor

    from serialprof.setting import Setting

EPSILON: Final = 1e-5  # of the norm, as native/transformer.cpp
CHECKED_STEPS: Final = 8
#: Largest error of a logit, whose spread is about 1; a token may differ where its logit is that close to the largest.
LOGIT_TOLERANCE: Final = {"fp32": 1e-4, "bf16": 0.15, "fp16": 2e-2}


@dataclass(frozen=True, slots=True)
class Model:
    """Weights, and the keys and values of some lanes.

    Attributes:
        heads: of each layer.
        embedding, positions, final_gain, head: as the native kernel names them.
        layers: attention_gain, qkv, out, mlp_gain, up, down of each.
        cache: keys and values of each layer, [lanes, heads, positions, d / heads].
    """

    heads: int
    embedding: Tensor
    positions: Tensor
    final_gain: Tensor
    head: Tensor
    layers: tuple[tuple[Tensor, ...], ...]
    cache: tuple[tuple[Tensor, Tensor], ...]


def forward(model: Model, tokens: Tensor, at: Tensor) -> Tensor:
    """Logits [lanes, T, vocabulary] of tokens [lanes, T] at positions [T]; writes their keys and values."""
    import torch
    from torch.nn.functional import linear, rms_norm, scaled_dot_product_attention

    lanes, count = tokens.shape
    x = model.embedding[tokens] + model.positions[at]
    dim = x.shape[-1:]
    seen = torch.arange(len(model.positions), device=at.device) <= at[:, None]
    for (attention_gain, qkv, out, mlp_gain, up, down), (keys, values) in zip(model.layers, model.cache, strict=True):
        projected = linear(rms_norm(x, dim, attention_gain, EPSILON), qkv)
        query, key, value = projected.view(lanes, count, 3, model.heads, -1).permute(2, 0, 3, 1, 4).unbind()
        keys.index_copy_(2, at, key)
        values.index_copy_(2, at, value)
        attended = scaled_dot_product_attention(query, keys, values, attn_mask=seen)
        x = x + linear(attended.transpose(1, 2).reshape(x.shape), out)
        x = x + linear(linear(rms_norm(x, dim, mlp_gain, EPSILON), up).relu(), down)
    return linear(rms_norm(x, dim, model.final_gain, EPSILON), model.head)


@dataclass(frozen=True, slots=True)
class Decoding:
    """A model at a setting, its cache filled with the prompts, and what decoding begins with.

    Attributes:
        first: [W], the input of step 0.
    """

    setting: Setting
    model: Model
    first: Tensor

    @property
    def context(self) -> int:
        """Positions of the prompt."""
        return self.setting.integer("context", least=0)


def native(setting: Setting, *, wide: bool = False) -> Decode:
    """The native kernel for the lanes with data of their own: the first ones of the native kernel at this batch."""
    model_dim, layers, heads, vocabulary = sizes(setting)
    return Decode(
        Team(setting.cpus[:1]),
        model_dim,
        layers,
        heads,
        vocabulary,
        setting.integer("context", least=0),
        setting.depth,
        own_lanes(setting),
        setting.seed,
        wide,
    )


def sizes(setting: Setting) -> tuple[int, int, int, int]:
    """model_dim, layers, heads, vocabulary.

    Raises:
        ValueError: the heads do not divide model_dim.
    """
    d, layers, heads, vocabulary = (setting.integer(name) for name in ("model_dim", "layers", "heads", "vocabulary"))
    if d % heads:
        raise ValueError(f"heads = {heads} does not divide model_dim = {d}")
    return d, layers, heads, vocabulary


def decoding_at(setting: Setting) -> Decoding:
    """Takes weights, prompts and first tokens from the native kernel, and fills the cache."""
    import torch

    kernel = native(setting)
    model = model_of(setting, kernel)
    if setting.integer("context", least=0):
        prompt = torch.from_numpy(kernel.prompt()).long().to(device_of(setting))
        with torch.no_grad():
            forward(model, prompt, torch.arange(prompt.shape[1], device=prompt.device))
    first = torch.from_numpy(kernel.first()).long().to(device_of(setting))
    return Decoding(setting, widened(model, setting.width), repeated(first, setting.width))


def model_of(setting: Setting, kernel: Decode) -> Model:
    """The native model, on the device and in the element type of a setting, with an empty cache."""
    import torch

    weights = {name: placed(values, setting) for name, values in kernel.weights().items()}
    names = ("attention_gain", "qkv", "out", "mlp_gain", "up", "down")
    layers, heads = setting.integer("layers"), setting.integer("heads")
    positions, dim = weights["positions"].shape
    shape = (len(kernel.first()), heads, positions, dim // heads)
    empty = partial(torch.zeros, shape, device=device_of(setting), dtype=element_type(setting))
    return Model(
        heads=heads,
        embedding=weights["embedding"],
        positions=weights["positions"],
        final_gain=weights["final_gain"],
        head=weights["head"],
        layers=tuple(tuple(weights[f"layers.{layer}.{name}"] for name in names) for layer in range(layers)),
        cache=tuple((empty(), empty()) for _ in range(layers)),
    )


def widened(model: Model, width: int) -> Model:
    """The model with the cache of a batch whose lanes repeat those of this one."""
    cache = tuple((repeated(keys, width), repeated(values, width)) for keys, values in model.cache)
    return replace(model, cache=cache)


def serial(decoding: Decoding) -> TorchStepper:
    """One greedy token per step, fed back. The tokens that a run chose are in the stepper's check alone."""
    import torch

    model, first, context = decoding.model, decoding.first, decoding.context
    token, position = first[:, None].clone(), torch.zeros(1, dtype=torch.long, device=first.device)
    chosen = torch.zeros(len(first), decoding.setting.depth, dtype=torch.long, device=first.device)

    def step() -> None:
        token.copy_(forward(model, token, position).argmax(-1))
        chosen.index_copy_(1, position - context, token)
        position.add_(1)

    def reset() -> None:
        token.copy_(first[:, None])
        position.fill_(context)

    return TorchStepper(decoding.setting, step, reset, partial(check, decoding, lambda _: chosen))


def wide(decoding: Decoding) -> PassStepper:
    """Prefill: all steps at once, with the tokens that decoding chose."""
    import torch

    model, context, depth = decoding.model, decoding.context, decoding.setting.depth
    at = torch.arange(context, context + depth, device=decoding.first.device)
    inputs = torch.cat((decoding.first[:, None], decoded(decoding, depth)[:, :-1]), 1)

    def whole(steps: int) -> Tensor:
        return forward(model, inputs[:, :steps], at[:steps]).argmax(-1)

    return PassStepper(decoding.setting, whole, nothing, partial(check, decoding, lambda stepper: stepper.result))


def decoded(decoding: Decoding, steps: int) -> Tensor:
    """Tokens [W, steps] that decoding chooses, one after the other."""
    import torch

    token, chosen = decoding.first[:, None], []
    with torch.no_grad():
        for step in range(decoding.context, decoding.context + steps):
            token = forward(decoding.model, token, torch.tensor([step], device=token.device)).argmax(-1)
            chosen.append(token)
    return torch.cat(chosen, 1)


def check(decoding: Decoding, tokens_of: Any, stepper: Any) -> None:
    """Compares a short run with the native kernel: logits of the same tokens, and the tokens chosen.

    A token may differ from the native kernel's where their logits are as close as rounding; a lane is compared up to
    there.

    Raises:
        AssertionError: a logit is off by more than LOGIT_TOLERANCE, or a token differs whose logit is not that close.
    """
    import torch

    setting = decoding.setting
    steps, tolerance = min(setting.depth, CHECKED_STEPS), LOGIT_TOLERANCE[setting.dtype]
    stepper.run(steps)
    found = tokens_of(stepper)[:, :steps].cpu()
    kernel = native(setting, wide=True)
    kernel.run(steps)
    wanted, logits = torch.from_numpy(kernel.tokens()).long(), torch.from_numpy(kernel.logits())
    require_close("decode: a logit", prefill(decoding, wanted), logits, tolerance)
    wanted, logits = repeated(wanted, setting.width), repeated(logits, setting.width)
    same_so_far = torch.cat((torch.ones(setting.width, 1).bool(), (found == wanted).cumprod(1).bool()[:, :-1]), 1)
    below = logits.gather(2, wanted[..., None]) - logits.gather(2, found[..., None])
    worst = torch.where(same_so_far, below[..., 0], 0).max().item()
    assert worst <= 2 * tolerance, f"decode: a chosen token's logit is {worst:.3g} below the largest"


def prefill(decoding: Decoding, tokens: Tensor) -> Tensor:
    """Logits of the lanes with data of their own, fed with their first token and then with those given."""
    import torch

    lanes, steps = tokens.shape
    fed = torch.cat((decoding.first[:lanes, None], tokens[:, :-1].to(decoding.first.device)), 1)
    at = torch.arange(decoding.context, decoding.context + steps, device=fed.device)
    with torch.no_grad():
        return forward(lanes_of(decoding.model, lanes), fed, at)


def lanes_of(model: Model, lanes: int) -> Model:
    """The model with a copy of the cache of its first lanes."""
    return replace(model, cache=tuple((keys[:lanes].clone(), values[:lanes].clone()) for keys, values in model.cache))


def work(setting: Setting) -> Work:
    """Declared work of one token; conventions in declared.py, sizes as those of `decode`.

    A step attends to all positions of the cache, whichever are masked. Bytes: the weights, once per step; per lane the
    cached keys and values, and what every operation reads and writes of the activations: where each is a kernel of its
    own 40 d elements per layer, compiled (norms, sums and ReLU join a product) 26 d; of these 20 d and 12 d are
    written.
    """
    d, layers, heads, vocabulary = sizes(setting)
    element, length = BYTES[setting.dtype], setting.integer("context", least=0) + setting.depth
    matrices = 12 * d * d * layers + vocabulary * d
    streamed = element * (matrices + (2 * layers + 1) * d)
    flops = (
        2 * matrices
        + layers * length * (4 * d + SOFTMAX_OPS * heads)
        + (2 * layers + 1) * NORM_OPS * d
        + layers * 6 * d  # ReLU on 4 d, two residual sums
        + d  # the two embeddings
        + vocabulary  # argmax
    )
    rows, written = (26, 12) if setting.mode == "compile" else (40, 20)
    cache = 2 * layers * d * element  # per position
    return Work(
        serial_ops=chain(d, layers, heads, vocabulary, length),
        flops=Affine(0, flops),
        bytes=Affine(streamed, cache * length + element * (layers * rows * d + 8 * d + 2 * vocabulary)),
        footprint=Affine(streamed, cache * length + element * (10 * d + vocabulary)),
        lanes=Affine(0, d),
        barriers=regions(setting, 13 * layers + 8),
        written=Affine(0, element * (layers * written * d + 2 * d + vocabulary)),
        arithmetic="fp32",
    )


@workload(
    name="torch-decode",
    depth="tokens",
    width="batch",
    widths=WIDTHS,
    quick_widths=QUICK_WIDTHS,
    default_depth=8,
    parameters={"model_dim": 256, "layers": 4, "heads": 4, "vocabulary": 1024, "context": 64},
    forms=("serial", "wide"),
    modes=MODES,
    work=work,
    hatch="Jacobi, lookahead or speculative decoding: several tokens per pass, the same tokens in the end",
    requires=("torch",),
    devices=DEVICES,
    dtypes=DTYPES,
    open_ended=True,
)
def torch_decode(setting: Setting) -> Stepper:
    """Autoregressive transformer in torch: one greedy token per step, fed back."""
    decoding = decoding_at(setting)
    return wide(decoding) if setting.form == "wide" else serial(decoding)
