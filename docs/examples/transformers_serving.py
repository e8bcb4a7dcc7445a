# SPDX-License-Identifier: Apache-2.0
"""A serving engine: continuous batching of Hugging Face transformers, the engine of `transformers serve`.

    serialprof run docs/examples/transformers_serving.py:engine
    serialprof run docs/examples/transformers_serving.py:engine --device cuda --param hidden=2048 --param layers=16

One step is one of the engine's: it schedules the requests under way, runs the model over their paged cache, and gives
each a token, on which its next step waits. A lane is one request. The model is a Llama with random weights: nothing
is downloaded. The prompts have one token, so that a run of D tokens is D steps of the engine.
"""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig, LlamaConfig, LlamaForCausalLM

import serialprof

PAGE = 256  # tokens of a page of the cache


class Engine:
    """The engine with its model, for one setting."""

    def __init__(self, setting: serialprof.Setting) -> None:
        torch.manual_seed(setting.seed)
        hidden, self.vocabulary = setting.integer("hidden"), setting.integer("vocabulary")
        config = LlamaConfig(
            vocab_size=self.vocabulary,
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=setting.integer("layers"),
            num_attention_heads=setting.integer("heads"),
            num_key_value_heads=setting.integer("heads"),
        )
        self.setting = setting
        self.manager = (
            LlamaForCausalLM(config)
            .to(setting.device)
            .init_continuous_batching(
                GenerationConfig(do_sample=False, eos_token_id=-1, pad_token_id=0),
                ContinuousBatchingConfig(
                    page_size=PAGE,
                    num_blocks=setting.width * (1 + setting.depth // PAGE) + 8,
                    max_batch_tokens=max(64, setting.width),
                ),
            )
        )
        self.manager.start()

    def run(self, steps: int) -> list[list[int]]:
        """Serves one request per lane, of so many tokens each: the tokens, in the order in which they finished."""
        prompts = [[lane % self.vocabulary] for lane in range(self.setting.width)]
        return self.finished(self.manager.add_requests(prompts, max_new_tokens=steps))

    def finished(self, requests: list[str]) -> list[list[int]]:
        """Waits for all the requests."""
        results = [self.manager.get_result(timeout=60) for _ in requests]
        assert all(result and not result.error for result in results), "a request was not served"
        return [result.generated_tokens for result in results]


@serialprof.workload(
    depth="tokens",
    width="requests",
    widths=(1, 4, 16, 64),
    default_depth=8,
    parameters={"hidden": 256, "layers": 4, "heads": 8, "vocabulary": 1024},
    devices=("cpu", "cuda"),
    requires=("torch",),
    hatch="speculative decoding: several tokens per step, the same tokens in the end",
)
def engine(setting: serialprof.Setting):
    """The engine of `transformers serve`: continuous batching of a Llama with random weights."""
    return Engine(setting)
