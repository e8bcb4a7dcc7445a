# SPDX-License-Identifier: Apache-2.0
"""decode: greedy autoregressive decoding of a small transformer; one step is one token for every lane of the batch.

The wide form is prefill: the same tokens through the same model, all positions at once. With `weights=bf16` the
matrices take half the bytes; they are widened exactly where they are used, and all else stays in single precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof._native import Decode, Team
from serialprof.catalog import Affine, Work, workload
from serialprof_workloads.declared import EXPONENTIAL_CHAIN, EXPONENTIAL_OPS, FLOAT, dot_chain, reduction_chain

if TYPE_CHECKING:
    from serialprof.setting import Setting

NORM_OPS: Final = 4  # per entry: square and add, scale by gain and by 1 / rms
WEIGHT_BYTES: Final = {"fp32": 4, "bf16": 2}
SOFTMAX_OPS: Final = EXPONENTIAL_OPS + 5  # per score: largest, subtract, scale, sum, divide


class DecodeStepper:
    """The native kernel with its known answer, for one setting.

    Attributes:
        kernel: the native kernel.
        run, trace: its run(steps, ticks=None, delay_ticks=0).
    """

    def __init__(self, setting: Setting) -> None:
        self.setting: Final = setting
        self.kernel: Final = build(setting, wide=setting.form == "wide")
        self.run: Final = self.kernel.run
        self.trace: Final = self.kernel.run

    def check(self) -> None:
        """Compares the tokens that decoding and prefill choose.

        Raises:
            AssertionError: a token differs.
        """
        twin = build(self.setting, wide=self.setting.form != "wide")
        for kernel in (self.kernel, twin):
            kernel.run(self.setting.depth)
        differing = int((self.kernel.tokens() != twin.tokens()).sum())
        assert differing == 0, f"decode: {differing} of {twin.tokens().size} tokens differ from the other form's"


def build(setting: Setting, *, wide: bool) -> Decode:
    """The kernel at a setting, in one form or the other."""
    return Decode(
        Team(setting.cpus),
        setting.integer("model_dim"),
        setting.integer("layers"),
        setting.integer("heads"),
        setting.integer("vocabulary"),
        setting.integer("context", least=0),
        setting.depth,
        setting.width,
        setting.seed,
        wide,
        weights_of(setting),
    )


def weights_of(setting: Setting) -> str:
    """How the weights are kept; all else is fp32.

    Raises:
        ValueError: neither in fp32 nor in bf16.
    """
    weights = setting.parameters["weights"]
    if weights not in WEIGHT_BYTES:
        raise ValueError(f"weights = {weights!r} is neither fp32 nor bf16")
    return str(weights)


def work(setting: Setting) -> Work:
    """Declared work of one token, at the mean length of the sequence over a run; conventions in declared.py.

    FLOP: two per weight and lane, attention, and the element-wise part. Bytes: the weights, once per step; per lane the
    cached keys and values, and every row of activations written and read by each phase. The embedding tables are not
    streamed: a lane reads one row of each. The smallest phases fall into W d pieces (model_dim d).
    """
    d, layers, heads, vocabulary = (setting.integer(name) for name in ("model_dim", "layers", "heads", "vocabulary"))
    context = setting.integer("context", least=0)
    if d % heads:
        raise ValueError(f"heads = {heads} does not divide model_dim = {d}")
    length = context + (setting.depth + 1) / 2  # step i attends to context + i + 1 positions
    matrices = 12 * d * d * layers + vocabulary * d
    streamed = WEIGHT_BYTES[weights_of(setting)] * matrices + FLOAT * (2 * layers + 1) * d
    flops = (
        2 * matrices
        + layers * length * (4 * d + SOFTMAX_OPS * heads)
        + (2 * layers + 1) * NORM_OPS * d
        + layers * 6 * d  # ReLU on 4 d, two residual sums
        + d  # the two embeddings
        + vocabulary  # argmax
    )
    cache = 2 * layers * d * FLOAT  # per position
    activations = FLOAT * (layers * 26 * d + 7 * d + 2 * vocabulary)
    return Work(
        serial_ops=chain(d, layers, heads, vocabulary, context + (setting.depth + 1) // 2),
        flops=Affine(0, flops),
        bytes=Affine(streamed, cache * (length + 1) + activations),
        footprint=Affine(streamed, cache * (context + setting.depth) + FLOAT * (10 * d + vocabulary)),
        lanes=Affine(0, d),
        barriers=5 * layers + 2,
        written=Affine(0, cache + FLOAT * (layers * 12 * d + 2 * d + vocabulary)),
        arithmetic="fp32",
    )


def chain(d: int, layers: int, heads: int, vocabulary: int, length: int) -> int:
    """The longest dependent chain through one token, in operations."""
    norm = dot_chain(d) + 4 + 2  # mean, epsilon, root, reciprocal; two scalings
    # The largest and the sum; subtract, scale; reciprocal, scale.
    softmax = 2 * reduction_chain(length) + 2 + EXPONENTIAL_CHAIN + 2
    attention = dot_chain(d) + dot_chain(d // heads) + softmax + dot_chain(length) + dot_chain(d) + 1
    mlp = dot_chain(d) + 1 + dot_chain(4 * d) + 1
    return 1 + layers * (2 * norm + attention + mlp) + norm + dot_chain(d) + reduction_chain(vocabulary)


@workload(
    depth="tokens",
    width="batch",
    widths=(1, 4, 16, 64, 256),
    quick_widths=(1, 4, 16, 64),
    default_depth=8,
    parameters={"model_dim": 256, "layers": 4, "heads": 4, "vocabulary": 1024, "context": 64, "weights": "fp32"},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="Jacobi, lookahead or speculative decoding: several tokens per pass, the same tokens in the end",
)
def decode(setting: Setting) -> DecodeStepper:
    """Autoregressive transformer: one greedy token per step, fed back."""
    return DecodeStepper(setting)
