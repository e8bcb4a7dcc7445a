# SPDX-License-Identifier: Apache-2.0
"""The transformer of `decode` in jax."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def decoded(weights: dict[str, Any], first: Any, steps: int, layers: int, heads: int, epsilon: float) -> Any:
    """Tokens [B, steps] that greedy decoding chooses after the first ones [B]."""
    lanes, dim = len(first), weights["final_gain"].shape[0]
    empty = jnp.zeros((layers, 2, lanes, heads, steps, dim // heads))

    def norm(x: Any, gain: Any) -> Any:
        return gain * x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + epsilon)

    def attend(cache: Any, layer: int, at: Any, x: Any) -> tuple[Any, Any]:
        qkv = norm(x, weights[f"layers.{layer}.attention_gain"]) @ weights[f"layers.{layer}.qkv"].T
        query, key, value = qkv.reshape(lanes, 3, heads, -1).transpose(1, 0, 2, 3)
        cache = jax.lax.dynamic_update_slice(
            cache, jnp.stack([key, value])[None, :, :, :, None], (layer, 0, 0, 0, at, 0)
        )
        scores = jnp.einsum("bhd,bhtd->bht", query, cache[layer, 0]) * (dim // heads) ** -0.5
        chances = jax.nn.softmax(jnp.where(jnp.arange(steps) <= at, scores, -jnp.inf))
        mixed = jnp.einsum("bht,bhtd->bhd", chances, cache[layer, 1]).reshape(lanes, dim)
        return cache, x + mixed @ weights[f"layers.{layer}.out"].T

    def step(carried: Any, at: Any) -> Any:
        tokens, cache = carried
        x = weights["embedding"][tokens] + weights["positions"][at]
        for layer in range(layers):
            cache, x = attend(cache, layer, at, x)
            up = jax.nn.relu(norm(x, weights[f"layers.{layer}.mlp_gain"]) @ weights[f"layers.{layer}.up"].T)
            x = x + up @ weights[f"layers.{layer}.down"].T
        tokens = jnp.argmax(norm(x, weights["final_gain"]) @ weights["head"].T, axis=-1).astype(first.dtype)
        return (tokens, cache), tokens

    _, chosen = jax.lax.scan(step, (first, empty), jnp.arange(steps))
    return chosen.T
