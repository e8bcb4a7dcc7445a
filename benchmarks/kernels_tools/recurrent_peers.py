# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers by others: torch, onnxruntime, jax, numba. Each returns the hidden state after the last step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.kernels_tools.core import Missing, Ready

if TYPE_CHECKING:
    from benchmarks.kernels_tools.recurrent import Layer

GATES: Final = {"rnn": 1, "gru": 3, "lstm": 4}


def _kept(function: Callable[[], Any]) -> Ready:
    """A competitor whose result is what its function returned last."""
    last: list[Any] = [None]

    def run() -> None:
        last[0] = function()

    return Ready(run, lambda: np.asarray(last[0], dtype=np.float32))


def torch_eager(layer: Layer, threads: int) -> Ready:
    """torch.nn.RNN, GRU or LSTM over the whole sequence."""
    import torch

    torch.set_num_threads(threads)
    module = getattr(torch.nn, layer.kind.upper())(layer.hidden, layer.hidden)
    with torch.no_grad():
        for name, value in layer.weights.items():
            getattr(module, f"{name}_l0").copy_(torch.from_numpy(value))
    sequence = torch.from_numpy(layer.sequence)

    def run() -> Any:
        with torch.inference_mode():
            state = module(sequence)[1]
        return (state[0] if isinstance(state, tuple) else state)[0]

    return _kept(run)


def torch_compile(layer: Layer, threads: int) -> Ready:
    """torch.nn.RNNCell, GRUCell or LSTMCell, compiled, and called for every step."""
    import torch

    if layer.hidden >= 256 and layer.batch < 64:
        raise Missing("compiled at one size with one lane and one with 64, since compiling takes half a minute")
    torch.set_num_threads(threads)
    cell = getattr(torch.nn, f"{layer.kind.upper()}Cell")(layer.hidden, layer.hidden)
    with torch.no_grad():
        for name, value in layer.weights.items():
            getattr(cell, name).copy_(torch.from_numpy(value))
    compiled = torch.compile(cell)
    inputs = list(torch.from_numpy(layer.sequence))
    zero = torch.zeros(layer.batch, layer.hidden)
    start = (zero, zero) if layer.kind == "lstm" else zero

    def run() -> Any:
        state = start
        with torch.inference_mode():
            for x in inputs:
                state = compiled(x, state)
        return state[0] if isinstance(state, tuple) else state

    return _kept(run)


def onnxruntime(layer: Layer, threads: int) -> Ready:
    """The operator RNN, GRU or LSTM of ONNX over the whole sequence."""
    import onnxruntime as runtime
    from onnx import TensorProto, helper, numpy_helper

    order = {"rnn": (0,), "gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}[layer.kind]  # z r h; i o f c

    def gates(name: str) -> Any:
        parts = np.split(layer.weights[name], GATES[layer.kind])
        return np.concatenate([parts[gate] for gate in order])

    constants = {
        "W": gates("weight_ih")[None],
        "R": gates("weight_hh")[None],
        "B": np.concatenate([gates("bias_ih"), gates("bias_hh")])[None],
    }
    options = {"linear_before_reset": 1} if layer.kind == "gru" else {}
    node = helper.make_node(layer.kind.upper(), ["X", "W", "R", "B"], ["", "Y"], hidden_size=layer.hidden, **options)
    wanted = [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [1, layer.batch, layer.hidden])]
    given = [helper.make_tensor_value_info("X", TensorProto.FLOAT, list(layer.sequence.shape))]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph([node], layer.kind, given, wanted, stored), opset_imports=[helper.make_opsetid("", 14)]
    )
    model.ir_version = 8
    settings = runtime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
    session = runtime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return _kept(lambda: session.run(["Y"], {"X": layer.sequence})[0][0])


def jax(layer: Layer, threads: int) -> Ready:  # noqa: ARG001 - it takes as many as there are CPUs
    """jax.lax.scan over the steps, jitted; the inputs are projected before it."""
    import jax as library
    import jax.numpy as jnp

    weights = {name: library.device_put(value) for name, value in layer.weights.items()}
    zero = jnp.zeros((layer.batch, layer.hidden))

    def rnn(h: Any, x: Any) -> Any:
        return jnp.tanh(x + h @ weights["weight_hh"].T + weights["bias_hh"])

    def gru(h: Any, x: Any) -> Any:
        reset, update, new = jnp.split(x, 3, axis=1)
        from_reset, from_update, from_new = jnp.split(h @ weights["weight_hh"].T + weights["bias_hh"], 3, axis=1)
        update = library.nn.sigmoid(update + from_update)
        new = jnp.tanh(new + library.nn.sigmoid(reset + from_reset) * from_new)
        return (1 - update) * new + update * h

    def lstm(state: Any, x: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(x + h @ weights["weight_hh"].T + weights["bias_hh"], 4, axis=1)
        c = library.nn.sigmoid(f) * c + library.nn.sigmoid(i) * jnp.tanh(g)
        return library.nn.sigmoid(o) * jnp.tanh(c), c

    cell = {"rnn": rnn, "gru": gru, "lstm": lstm}[layer.kind]

    @library.jit
    def pass_through(sequence: Any) -> Any:
        projected = sequence @ weights["weight_ih"].T + weights["bias_ih"]
        start = (zero, zero) if layer.kind == "lstm" else zero
        state, _ = library.lax.scan(lambda state, x: (cell(state, x), None), start, projected)
        return state[0] if isinstance(state, tuple) else state

    sequence = library.device_put(layer.sequence)
    return _kept(lambda: pass_through(sequence).block_until_ready())


def numba(layer: Layer, threads: int) -> Ready:
    """Loops over the units with sums that may be reordered, as one would write them; one lane after the other."""
    if layer.batch > 1:
        raise Missing("its loops are written for one lane")
    import numba as library

    from benchmarks.kernels_tools.recurrent_loops import loop_of

    library.set_num_threads(threads)
    loop = loop_of(layer.kind, parallel=threads > 1)
    weights = [np.ascontiguousarray(layer.weights[name]) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    inputs = np.ascontiguousarray(layer.sequence[:, 0])
    return _kept(lambda: loop(*weights, inputs)[None])


PEERS: Final[dict[str, Callable[[Layer, int], Ready]]] = {
    "torch": torch_eager,
    "torch compile": torch_compile,
    "onnxruntime": onnxruntime,
    "jax": jax,
    "numba": numba,
}
