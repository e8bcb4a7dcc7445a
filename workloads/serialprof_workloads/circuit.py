# SPDX-License-Identifier: Apache-2.0
"""circuit: a layered arithmetic circuit modulo 2^31 - 1; one step is one layer of gates."""

from __future__ import annotations

from typing import Final

from serialprof import _native
from serialprof.catalog import Affine, Work, workload
from serialprof.setting import Setting
from serialprof_workloads.declared import PRODUCT_CHAIN

PRIME: Final = 2**31 - 1
GATE_OPS: Final = 5  # of a product: multiply, two parts, add, reduce; a sum takes two
GATE_CHAIN: Final = PRODUCT_CHAIN + 4  # of a product, in additions: multiply, part, add, and two to reduce
WIRES: Final = 8  # bytes of a gate's wires
VALUE: Final = 4  # bytes
LAYERS: Final = 8  # different ones that the kernel keeps
CHECKED_GATES: Final = 200
CHECKED_STEPS: Final = 20

Layers = list[tuple[int, list[int], list[int]]]


def layer_of(sums: int, left: list[int], right: list[int], values: list[int]) -> list[int]:
    """The gates of one layer: sums first, then products."""
    pairs = [(values[a], values[b]) for a, b in zip(left, right, strict=True)]
    return [(a + b if gate < sums else a * b) % PRIME for gate, (a, b) in enumerate(pairs)]


def reference(layers: Layers, values: list[int], previous: list[int] | None, steps: int) -> list[int]:
    """The gates after some layers.

    Args:
        layers: number of sums, left and right wires of each; taken by turns.
        values: the inputs.
        previous: of a reversible circuit, what stands for the layer before the inputs; None for a plain circuit.
        steps: layers.
    """
    for step in range(steps):
        new = layer_of(*layers[step % len(layers)], values)
        if previous is not None:
            new = [(a - b) % PRIME for a, b in zip(new, previous, strict=True)]
            previous = values
        values = new
    return values


class CircuitStepper:
    """The native circuit with its known answer."""

    def __init__(self, setting: Setting) -> None:
        self._team = _native.Team(setting.cpus)
        self._width = setting.width
        self._seed = setting.seed
        self._reversible = reversible_of(setting)
        self._kernel = _native.Circuit(
            self._team, setting.width, setting.seed, setting.form == "wide", self._reversible
        )
        self.run = self.trace = self._kernel.run

    def check(self) -> None:
        """Compares 20 layers of up to 200 gates with an interpreter; a reversible circuit then runs back to its inputs.

        Raises:
            AssertionError: a gate differs.
        """
        kernel = _native.Circuit(self._team, min(self._width, CHECKED_GATES), self._seed, reversible=self._reversible)
        inputs, before = kernel.values(), kernel.previous()
        kernel.run(CHECKED_STEPS)
        wanted = reference(kernel.layers(), inputs, before if self._reversible else None, CHECKED_STEPS)
        assert kernel.values() == wanted, "circuit: a gate differs from the interpreter"
        if self._reversible:
            kernel.turn_back()
            kernel.run(CHECKED_STEPS)
            assert (kernel.previous(), kernel.values()) == (inputs, before), "circuit: the way back leads elsewhere"


def reversible_of(setting: Setting) -> bool:
    """Whether the circuit is to be reversible.

    Raises:
        ValueError: the parameter is neither 0 nor 1.
    """
    reversible = setting.integer("reversible", 0)
    if reversible not in (0, 1):
        raise ValueError(f"reversible = {reversible} is neither 0 nor 1")
    return reversible == 1


def work(setting: Setting) -> Work:
    """Declared work of one layer, a gate a lane.

    Half of the gates are sums of two operations, half products of five; the longest chain is a product's. Wires and two
    values are read, one is written; a reversible circuit reads one more and takes two operations more.
    """
    more = reversible_of(setting)
    return Work(
        serial_ops=GATE_CHAIN + 2 * more,
        flops=Affine(0, (2 + GATE_OPS) / 2 + 2 * more),
        bytes=Affine(0, WIRES + (3 + more) * VALUE),
        footprint=Affine(0, LAYERS * WIRES + 2 * VALUE),
        lanes=Affine(0, 1),
        barriers=int(setting.threads > 1),
        serial_loads=1,
        written=Affine(0, VALUE),
        arithmetic="words",
    )


@workload(
    depth="layers",
    width="gates",
    widths=(8, 64, 1024, 16384, 262144),
    quick_widths=(8, 64, 1024, 16384),
    default_depth=64,
    parameters={"reversible": 0},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="a circuit of low degree can be balanced to a shallow one; in random circuits the degree doubles every layer",
)
def circuit(setting: Setting) -> CircuitStepper:
    """An arithmetic circuit modulo 2^31 - 1, random wiring, a layer per step."""
    return CircuitStepper(setting)
