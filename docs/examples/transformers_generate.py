# SPDX-License-Identifier: Apache-2.0
r"""A causal language model of Hugging Face transformers, in its own generate loop: real code of somebody else.

    serialprof run docs/examples/transformers_generate.py:generate --width 1,2,4,8
    serialprof run docs/examples/transformers_generate.py:generate --device cuda --dtype bf16 \
        --param hidden=2048 --param layers=16 --param heads=32 --param key_heads=8 --param vocabulary=32000

The model is a Llama built from its config with random weights: nothing is downloaded. One step is one token for every
lane of the batch, by `model.generate`, its cache and its stopping rules included. The prompt but for its last token is
in the cache before a run begins, so that every step of a run is one token, and none a prefill.
"""

from __future__ import annotations

import inspect
import math
import os
from typing import TYPE_CHECKING, Any, Final

import serialprof

if TYPE_CHECKING:
    import torch

SIZES: Final = {"fp32": 4, "bf16": 2, "fp16": 2}  # bytes
ROUNDING: Final = {"fp32": 1e-4, "bf16": 5e-2, "fp16": 1e-2}  # of a logit's spread, from adding in another order


class Generate:
    """The model with the cache of its prompts, for one setting."""

    def __init__(self, setting: serialprof.Setting) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import torch
        from transformers import DynamicCache, LlamaForCausalLM

        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[setting.dtype]
        torch.manual_seed(setting.seed)
        self.setting: Final = setting
        self.model: Final[Any] = LlamaForCausalLM(_config(setting)).to(setting.device, dtype).eval()
        self.prompt: Final = torch.randint(
            setting.integer("vocabulary"), (setting.width, setting.integer("context")), device=setting.device
        )
        self.cache: Final = DynamicCache(config=self.model.config)
        taken = inspect.signature(self.model.forward).parameters
        self.memory: Final = {"cache" if "cache" in taken else "past_key_values": self.cache}  # before 5.24
        if self.cached:
            with torch.no_grad():
                self.model(self.prompt[:, : self.cached], **self.memory, logits_to_keep=1)

    @property
    def cached(self) -> int:
        """Tokens of the prompt that the cache holds when a run begins."""
        return self.setting.integer("context") - 1

    def run(self, steps: int, /) -> torch.Tensor:
        """Generates so many tokens after the prompt: prompt and tokens, of shape (width, context + steps)."""
        return self.delayed(steps, 0.0)

    def delayed(self, steps: int, seconds: float) -> torch.Tensor:
        """The same while the host spins for so long in every step, as a processor of the logits."""
        self.cache.crop(min(0, self.cached - self.cache.get_seq_length()))  # a negative count is that of the dropped
        tokens: torch.Tensor = self.model.generate(
            self.prompt,
            attention_mask=self.prompt.new_ones(self.prompt.shape),
            **self.memory,
            max_new_tokens=steps,
            do_sample=False,
            logits_processor=[_Spin(seconds)] if seconds else None,
        )
        return tokens

    def sync(self) -> None:
        """Waits for the device."""
        if self.setting.on_cuda:
            import torch

            torch.cuda.synchronize(self.setting.device)

    def check(self) -> None:
        """Compares the tokens with those that the model chooses without a cache, all positions at once.

        Raises:
            AssertionError: a token is not the best one, nor one that rounding may have made the best.
        """
        import torch

        context, lanes = self.setting.integer("context"), min(self.setting.width, 4)
        tokens = self.run(self.setting.depth)[:lanes]
        with torch.no_grad():
            logits = self.model(tokens, use_cache=False).logits[:, context - 1 : -1].float()
        best, chosen = logits.amax(-1), logits.gather(-1, tokens[:, context:, None])[..., 0]
        differing = int((best - chosen > ROUNDING[self.setting.dtype] * logits.std(-1)).sum())
        assert differing == 0, f"{differing} of {chosen.numel()} tokens differ from those without a cache"


class _Spin:
    """Leaves logits alone, and takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, _: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        from serialprof.measure.delay import spin

        spin(self.seconds)
        return scores


def _config(setting: serialprof.Setting) -> Any:
    """The model's sizes; no token ends a sequence early."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=setting.integer("vocabulary"),
        hidden_size=setting.integer("hidden"),
        intermediate_size=setting.integer("intermediate"),
        num_hidden_layers=setting.integer("layers"),
        num_attention_heads=setting.integer("heads"),
        num_key_value_heads=setting.integer("key_heads"),
        max_position_embeddings=1 << 20,  # rotary: nothing is allocated for them
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )


def work(setting: serialprof.Setting) -> serialprof.Work:
    """Declared work of one token, at the mean length of the sequence over a run.

    FLOP: two per weight and lane, four per entry of the attention. Bytes: the weights once per step (of the embedding a
    lane reads one row), and per lane its keys and values. The chain counts reductions as balanced trees.
    """
    d, hidden, layers = (setting.integer(name) for name in ("hidden", "intermediate", "layers"))
    heads, key_heads, vocabulary = (setting.integer(name) for name in ("heads", "key_heads", "vocabulary"))
    length = setting.integer("context") + setting.depth / 2
    rows = 2 * key_heads * (d // heads)  # keys and values of a position
    weights = layers * (2 * d * d + d * rows + 3 * d * hidden) + vocabulary * d
    size = SIZES[setting.dtype]
    tree = sum(math.ceil(math.log2(max(2, terms))) + 1 for terms in (d, d, d // heads, length, length, d, d, d, hidden))
    return serialprof.Work(
        serial_ops=layers * tree + 2 * math.ceil(math.log2(d)) + math.ceil(math.log2(vocabulary)),
        flops=serialprof.Affine(0, 2 * weights + 4 * layers * length * d),
        bytes=serialprof.Affine(size * weights, size * layers * rows * (length + 1)),
        footprint=serialprof.Affine(size * weights, size * layers * rows * (length + 1)),
        lanes=serialprof.Affine(0, d),
        barriers=9 * layers + 2,
    )


@serialprof.workload(
    depth="tokens",
    width="batch",
    widths=tuple(1 << power for power in range(11)),
    quick_widths=(1, 2, 4, 8),
    default_depth=16,
    parameters={
        "hidden": 256,
        "intermediate": 512,
        "layers": 4,
        "heads": 8,
        "key_heads": 4,
        "vocabulary": 1024,
        "context": 64,
    },
    devices=("cpu", "cuda"),
    dtypes=("fp32", "bf16", "fp16"),
    open_ended=True,
    requires=("torch", "transformers"),
    work=work,
    hatch="speculative or lookahead decoding: several tokens per pass, the same tokens in the end",
)
def generate(setting: serialprof.Setting) -> Generate:
    """A Llama of transformers with random weights: greedy tokens by its own generate loop."""
    return Generate(setting)
