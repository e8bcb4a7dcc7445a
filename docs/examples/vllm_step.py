# SPDX-License-Identifier: Apache-2.0
"""A serving engine: one `LLMEngine.step()` of vLLM, with random weights.

    serialprof run docs/examples/vllm_step.py:engine
    serialprof run docs/examples/vllm_step.py:engine --device cuda --param hidden=4096 --param heads=32

vLLM comes in one build per kind of device: the first command needs its build for CPUs, the second the one for CUDA.
One step schedules the requests under way, runs the model over their paged cache and samples a token for each, on which
its next step waits. A lane is one request. The model is a Llama made of its config alone: nothing is downloaded. The
prompts have one token, so that a run of D tokens is D steps of the engine.
"""

import functools
import itertools
import os
import tempfile

# All in this process, which serialprof has pinned; and no pinning of vLLM's own.
os.environ.update(VLLM_ENABLE_V1_MULTIPROCESSING="0", VLLM_CPU_OMP_THREADS_BIND="nobind", VLLM_CPU_KVCACHE_SPACE="1")
os.environ.update(HF_HUB_OFFLINE="1", VLLM_NO_USAGE_STATS="1", VLLM_LOGGING_LEVEL="ERROR")

from transformers import LlamaConfig
from vllm import EngineArgs, LLMEngine, SamplingParams

import serialprof

NUMBERS = itertools.count()  # of requests


@functools.cache  # vLLM holds one engine per process; it serves all widths
def served(hidden: int, layers: int, heads: int, vocabulary: int) -> LLMEngine:
    """An engine with a Llama of these sizes."""
    config = LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
    )
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        arguments = EngineArgs(
            model=folder, load_format="dummy", skip_tokenizer_init=True, max_model_len=2048, enforce_eager=True
        )
        return LLMEngine.from_engine_args(arguments)


class Requests:
    """As many requests as there are lanes, before one engine."""

    def __init__(self, setting: serialprof.Setting) -> None:
        sizes = {name: setting.integer(name) for name in ("hidden", "layers", "heads", "vocabulary")}
        self.engine = served(**sizes)
        self.prompts = [{"prompt_token_ids": [lane % sizes["vocabulary"]]} for lane in range(setting.width)]

    def run(self, steps: int) -> None:
        """Serves the requests, of so many tokens each."""
        tokens = SamplingParams(temperature=0.0, max_tokens=steps, ignore_eos=True, detokenize=False)
        for prompt in self.prompts:
            self.engine.add_request(str(next(NUMBERS)), prompt, tokens)
        for _ in range(steps):
            self.engine.step()
        assert not self.engine.has_unfinished_requests(), "a step did not give every request a token"


@serialprof.workload(
    depth="tokens",
    width="requests",
    widths=(1, 4, 16, 64),
    default_depth=16,
    parameters={"hidden": 256, "layers": 4, "heads": 4, "vocabulary": 1024},
    devices=("cpu", "cuda"),
    hatch="speculative decoding: several tokens per step, the same tokens in the end",
)
def engine(setting: serialprof.Setting):
    """The engine of vLLM, step by step: a Llama with random weights."""
    return Requests(setting)
