# SPDX-License-Identifier: Apache-2.0
"""Native kernels of serialprof: one dependent step each, driven by one loop.

Every kernel has `run(steps, ticks=None, delay_ticks=0)`: it resets the state, then runs `steps` dependent steps.
`ticks`, a writable buffer of int64, takes steps + 1 readings of the cheapest clock (start, then the end of each step);
`delay_ticks` adds a spin to each step.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

T = TypeVar("T")

def instruction_set() -> str: ...

class Team:
    """Pinned threads; rank 0 is the thread that calls run()."""

    def __init__(self, cpus: Sequence[int]) -> None: ...
    @property
    def size(self) -> int: ...
    @property
    def cpus(self) -> list[int]: ...

# --- meter, gaps, counters

def read_meter(ops: int) -> tuple[float, float, float]: ...
def read_meters(team: Team, ops: int, seconds: float) -> list[tuple[float, float, float, int | None]]:
    """By rank: what read_meter reads, and involuntary context switches meanwhile; after `seconds` in which all spun."""

def tick_pair() -> tuple[int, float]:
    """The tick clock in ticks and the steady clock in seconds, read at one moment; two pairs convert ticks."""

def find_gaps(seconds: float, threshold_seconds: float) -> tuple[int, float, float, float]:
    """Spins for `seconds`: gaps longer than the threshold, seconds lost in them, the longest, and seconds spun."""

class Counters:
    """Events of perf_event_open, each a (type, config): user mode, this thread and the threads it starts later.

    Raises:
        OSError: the kernel refuses an event (ENOSYS where there is no such call).
    """

    def __init__(self, events: Sequence[tuple[int, int]]) -> None: ...
    def read(self) -> list[int]:
        """Counts since the start; extended to the whole time where hardware was shared, 0 where never counted."""

    def close(self) -> None: ...

class Thief:
    """A real-time thread that takes a share (0.5 at most) of every period of one CPU, for `seconds` at most.

    Raises:
        OSError: the kernel gives no real-time thread (EPERM).
    """

    def __init__(self, cpu: int, share: float, period: float = 1e-3, seconds: float = 10.0) -> None: ...
    def taken(self) -> float:
        """CPU time that it has taken so far, in seconds."""

    def stop(self) -> None: ...

# --- limits of the machine

def instruction_sets() -> list[str]:
    """The levels that this processor and this build have, least first."""

def fma_peak(team: Team, ops: int, level: str = "") -> float:
    """FLOP/s of the team in fp32 multiply-adds; by default on the level that the hot loops run on."""

def word_peak(team: Team, ops: int, level: str = "") -> float:
    """Operations per second of the team on 64-bit words, bitwise and in vectors; levels as of fma_peak."""

def chain_seconds(operation: str, ops: int) -> float:
    """Seconds of `ops` operations of which each waits for the one before."""

class Reader:
    """A footprint that the threads of a team read or update, each its own share."""

    def __init__(self, team: Team, footprint_bytes: int) -> None: ...
    def seconds(self, passes: int, order: str = "up") -> float:
        """Seconds in which the team reads the footprint `passes` times, after one untimed pass.

        The first of them and every second one after it goes by the order: "up"; "down"; or "pieces" of 16 KiB, the
        last first, each upwards. The others go up. "abreast", all go up in four quarters side by side.
        """

    def update_seconds(self, passes: int, order: str = "up") -> float:
        """The same where every word is changed and written back in place."""

class Walk:
    """Every thread chases on a random cycle of its own over its share of a footprint."""

    def __init__(self, team: Team, footprint_bytes: int, seed: int = 0) -> None: ...
    def seconds(self, loads: int) -> float:
        """Seconds in which each thread follows `loads` pointers, the mean over the threads; goes on where it ended."""

    def cursors(self) -> list[int]: ...
    @property
    def lines(self) -> int:
        """Lines in the cycle of each thread."""

# --- chain, chase, barrier, planted

class Chain:
    def __init__(self, team: Team, operation: str, width: int, wide: bool = False) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def values(self) -> list[int] | list[float]: ...
    @property
    def fused(self) -> bool: ...

class Chase:
    def __init__(self, team: Team, footprint_bytes: int, width: int, seed: int = 0, wide: bool = False) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def cursors(self) -> list[int]: ...
    @property
    def lines(self) -> int: ...

class Barrier:
    def __init__(self, team: Team, grain_ops: int) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def seconds(self, steps: int) -> float:
        """Seconds of `steps` steps, from the moment that all threads have begun."""

    @property
    def value(self) -> int: ...

class Pipeline:
    """Rank 0 submits steps to the other ranks, at most `queue` ahead: max(host_ops, width / (ranks - 1) * lane_ops)."""

    def __init__(self, team: Team, host_ops: int, lane_ops: int, width: int, queue: int = 4, seed: int = 0) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    @property
    def value(self) -> int: ...

class Planted:
    def __init__(
        self,
        team: Team,
        serial_ops: int,
        lane_ops: int,
        width: int,
        seed: int = 0,
        wide: bool = False,
        lane_loads: int = 0,
        footprint_bytes: int = 0,
        overlap: bool = False,
    ) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    @property
    def value(self) -> int: ...

class Gru:
    """A GRU layer whose input size is its hidden size H; one step updates all B = width lanes once.

    Step t reads inputs()[t % ring]; h is zero before step 0. In the wide form run(steps) does `steps`
    independent updates from that zero state, in one pass without ticks or delay. steps is at most depth.

    Every `ahead` steps project their inputs together in the first of them, which reads weight_ih once; states are the
    same to the bit. The wide form does so anyway.
    """

    def __init__(
        self, team: Team, hidden: int, width: int, seed: int, depth: int, wide: bool = False, ahead: int = 1
    ) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """weight_ih and weight_hh [3H, H], bias_ih and bias_hh [3H], gates in the order r, z, n (torch.nn.GRU)."""

    def inputs(self) -> NDArray[np.float32]:
        """[ring, B, H]."""

    def state(self) -> tuple[NDArray[np.float32]]:
        """State h after the last run: [B, H]; wide: [steps, B, H], the result of every update."""

    @staticmethod
    def cell(
        gates: NDArray[np.float32], before: NDArray[np.float32], cell: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The cell alone: h and c after gates [6, N], the products with the input first, and states [N] before."""

class Lstm:
    """An LSTM layer whose input size is its hidden size H; one step updates all B = width lanes once.

    Step t reads inputs()[t % ring]; h and c are zero before step 0. In the wide form run(steps) does `steps`
    independent updates from that zero state, in one pass without ticks or delay. steps is at most depth.

    Every `ahead` steps project their inputs together in the first of them, which reads weight_ih once; states are the
    same to the bit. The wide form does so anyway.
    """

    def __init__(
        self, team: Team, hidden: int, width: int, seed: int, depth: int, wide: bool = False, ahead: int = 1
    ) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """weight_ih and weight_hh [4H, H], bias_ih and bias_hh [4H], gates in the order i, f, g, o (torch.nn.LSTM)."""

    def inputs(self) -> NDArray[np.float32]:
        """[ring, B, H]."""

    def state(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """States h and c after the last run: [B, H] each; wide: [steps, B, H], the result of every update."""

    @staticmethod
    def cell(
        gates: NDArray[np.float32], before: NDArray[np.float32], cell: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The cell alone: h and c after gates [4, N] and states [N] before."""

class Scan:
    """A linear recurrence in every channel; step t reads row t % ring of the inputs.

    states = 0: h <- a h + b. Else the selective form with so many states per channel. In the wide form run(steps) is
    the associative scan, in one pass without ticks or delay. steps is at most depth.
    """

    def __init__(
        self, team: Team, width: int, seed: int, depth: int, wide: bool = False, states: int = 0, ring: int = 64
    ) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def inputs(self) -> dict[str, NDArray[np.float32]]:
        """Rows a, b [ring, W]; selective: delta, x [ring, W], B, C [ring, states], and A [states] of all channels."""

    def result(self) -> NDArray[np.float32]:
        """State h after the last run, or the last y of the selective form, [W]; wide: of all steps, [steps, W]."""

class NBody:
    """Gravity between `width` bodies, softened, one leapfrog per step.

    In the wide form every step is the first step anew.
    """

    def __init__(
        self, team: Team, width: int, seed: int = 0, dt: float = 0.001, softening: float = 0.05, wide: bool = False
    ) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def state(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Places and velocities after the last run, [3, N] each."""

    def set_state(self, positions: NDArray[np.float64], velocities: NDArray[np.float64]) -> None:
        """Sets what every run starts from."""

    def masses(self) -> NDArray[np.float64]: ...

class Billiards:
    """Balls in a box of cells x cells cells, each with a diamond |u| + |w| < radius around its centre; exact integers.

    A cell's side is 2**16. In the wide form every step is the first step anew.
    """

    def __init__(
        self, team: Team, width: int, seed: int = 0, cells: int = 64, radius: int = 24000, wide: bool = False
    ) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def turn(self) -> None:
        """Lets runs start from the state after the last one, turned round: turn, run, turn leads back to its start."""

    def state(self) -> NDArray[np.int32]:
        """x, y, vx, vy of every ball, [4, W]."""

    def digest(self) -> int:
        """FNV-1a over the 32-bit words of state()."""

class Value:
    """Value iteration over a Markov decision process that is drawn; one step backs up all states.

    In the wide form run(steps) backs up 16 drawn sets of values together, steps / 16 times, rounded up, from the start.
    """

    def __init__(
        self,
        team: Team,
        width: int,
        seed: int,
        depth: int,
        wide: bool = False,
        actions: int = 4,
        branching: int = 4,
        discount: float = 0.95,
    ) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def tables(self) -> dict[str, NDArray[Any]]:
        """Arrays rewards [S, A], probabilities and successors [S, A, branching]."""

    def start(self) -> NDArray[np.float32]:
        """The values that a run starts from: [S]; wide: [S, 16]."""

    def values(self) -> NDArray[np.float32]:
        """Those after the last run: [S]; wide: [S, 16]."""

class Rollout:
    """Greedy rollouts through a world model in tables that are drawn; exact integers.

    Rollout i starts in state i % states. In the wide form every transition starts from a drawn state.
    """

    def __init__(
        self,
        team: Team,
        width: int,
        seed: int,
        depth: int,
        wide: bool = False,
        states: int = 4096,
        actions: int = 4,
        branching: int = 4,
    ) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def tables(self) -> dict[str, NDArray[np.int32]]:
        """Arrays preferences and rewards [states, actions], successors [states, actions, branching]."""

    def states(self) -> NDArray[np.int32]:
        """Where each rollout stands after the last run; serial form alone."""

    def returns(self) -> NDArray[np.int64]:
        """The sum of each rollout's rewards."""

    def keys(self, steps: int) -> list[int]:
        """What the draws of each step depend on, beside the lane."""

class Rnn:
    """A tanh layer whose input size is its hidden size H; one step updates all B = width lanes once.

    Step t reads inputs()[t % ring]; h is zero before step 0. In the wide form run(steps) does `steps`
    independent updates from that zero state, in one pass without ticks or delay. steps is at most depth.

    Every `ahead` steps project their inputs together in the first of them, which reads weight_ih once; states are the
    same to the bit. The wide form does so anyway.
    """

    def __init__(
        self, team: Team, hidden: int, width: int, seed: int, depth: int, wide: bool = False, ahead: int = 1
    ) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """weight_ih and weight_hh [H, H], bias_ih and bias_hh [H] (torch.nn.RNN)."""

    def inputs(self) -> NDArray[np.float32]:
        """[ring, B, H]."""

    def state(self) -> tuple[NDArray[np.float32]]:
        """State h after the last run: [B, H]; wide: [steps, B, H], the result of every update."""

    @staticmethod
    def cell(
        gates: NDArray[np.float32], before: NDArray[np.float32], cell: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The cell alone: h and c after gates [1, N] and states [N] before."""

class Automaton:
    """The elementary automaton of a Wolfram number on a ring; row() is little-endian, cell i is bit i."""

    def __init__(self, team: Team, cells: int, rule: int = 110, seed: int = 0, wide: bool = False) -> None: ...
    @property
    def rule(self) -> int: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def row(self) -> bytes: ...
    def set_row(self, row: bytes) -> None: ...

class Life:
    def __init__(self, team: Team, rows: int, columns: int, seed: int = 0, wide: bool = False) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def grid(self) -> bytes: ...
    def set_grid(self, grid: bytes) -> None: ...

class Map:
    """The logistic map in fixed point on lanes: x <- x (2^32 - 1 - x) >> 30, `iterations` times per step."""

    iterations: ClassVar[int]
    def __init__(self, team: Team, width: int, seed: int = 0, wide: bool = False) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def values(self) -> list[int]: ...

class Circuit:
    """Layers of gates modulo 2^31 - 1 (native/circuit.cpp); step t takes layer t modulo len(layers()).

    layers() gives per layer the number of sums, which come first, and the left and right wires of all gates.
    turn_back() makes the last two layers of a reversible circuit the start of the way back.
    """

    def __init__(self, team: Team, width: int, seed: int = 0, wide: bool = False, reversible: bool = False) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def values(self) -> list[int]: ...
    def previous(self) -> list[int]: ...
    def turn_back(self) -> None: ...
    def layers(self) -> list[tuple[int, list[int], list[int]]]: ...

class MathQa:
    """Facts modulo 2^31 - 1 (native/mathqa.cpp); step t is fact t modulo len(facts()) of the template.

    facts() gives (operation, distance, number): 0 add, 1 subtract, 2 multiply the fact before and that so many facts
    before, or, where the distance is 0, that number of the question. given() holds a row per number, then the facts
    before the first step, oldest first.
    """

    def __init__(self, team: Team, width: int, seed: int = 0, wide: bool = False) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def values(self) -> list[int]: ...
    def given(self) -> list[list[int]]: ...
    def facts(self) -> list[tuple[int, int, int]]: ...

class Sudoku:
    """Sudokus searched side by side; one step is a sweep of propagation over each, and what follows it (sudoku.hpp).

    A solved one starts again. In the wide form every step is the first sweep.
    """

    def __init__(self, team: Team, width: int, hard: bool, seed: int = 0, wide: bool = False) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def puzzles(self) -> NDArray[np.uint8]:
        """[width, 81]: digits row by row, 0 where none is given. Each has one solution."""

    def cells(self) -> NDArray[np.uint16]:
        """[width, 81]: the candidates after the last run, digit d as bit d - 1."""

    def counts(self) -> NDArray[np.int64]:
        """[width, 2]: how often the last run solved each puzzle, and how many guesses it made."""

def sudoku_solve(
    team: Team, puzzles: NDArray[np.uint8], most: int = 1
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Solves puzzles [n, 81]: first solutions [n, 81] (zeros where there are none), how many were found, guesses.

    A search ends when it has found `most` solutions: two tell whether one is unique.
    """

class Decode:
    """Greedy decoding of a small transformer (native/transformer.hpp); one step is one token per lane.

    Keys and values of `context` prompt positions are in the cache before step 0; every run starts there. In the wide
    form the constructor decodes once, and run(steps) pushes the same steps * width positions through the model at once
    (prefill), in one pass without ticks or delay. steps is at most depth.

    Weights are kept in fp32, in bf16 (widened exactly where used; all else is fp32), or `rounded`: in fp32 with
    the values of bf16, which gives the results of bf16 to the bit.
    """

    def __init__(
        self,
        team: Team,
        model_dim: int,
        layers: int,
        heads: int,
        vocabulary: int,
        context: int,
        depth: int,
        width: int,
        seed: int,
        wide: bool = False,
        weights: str = "fp32",
    ) -> None: ...
    def run(self, steps: int, ticks: Buffer | None = None, delay_ticks: int = 0) -> None: ...
    def tokens(self) -> NDArray[np.int32]:
        """Tokens that the last run chose: [width, steps]."""

    def first(self) -> NDArray[np.int32]:
        """Input of step 0: [width]."""

    def prompt(self) -> NDArray[np.int32]:
        """Tokens of the cached positions: [width, context]."""

    def logits(self) -> NDArray[np.float32]:
        """Logits of the last run: [width, 1, vocabulary], of its last step; wide: [width, steps, vocabulary]."""

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Weights by name; matrices are [out, in].

        embedding [vocabulary, d], positions [context + depth, d], final_gain [d], head [vocabulary, d], and for each
        layer `layers.N.`: attention_gain [d], qkv [3d, d], out [d, d], mlp_gain [d], up [4d, d], down [d, 4d].
        """

# --- live recording; docs/live.md

class Region:
    """A named region; it can be entered again and again, on any thread."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool: ...

class Steps(Iterator[T], Generic[T]):
    """What an iterable yields; each turn of the loop over it is a step."""

    def __init__(self, iterable: Iterable[T], name: str) -> None: ...
    def __next__(self) -> T: ...

def region(name: str) -> Region:
    """A region of a step: `with serialprof.region("sample"): ...`.

    Raises:
        TypeError: the name is no string.
        ValueError: it is empty or longer than 200 bytes.
    """

def live_start(block_ticks: int) -> None:
    """Forgets what was recorded, and records; a block of steps spans at least so many ticks at first."""

def live_stop() -> None: ...
def live_recording() -> bool: ...
def live_taken() -> dict[str, Any]:
    """What was recorded, as `serialprof.live.collecting` reads it; times in ticks, CPU times in nanoseconds."""

def live_replay(calls: Sequence[tuple[str, int, int]], block_ticks: int) -> dict[str, Any]:
    """What a thread's buffer makes of calls at given ticks: (call, number of the name, tick).

    Calls: enter, leave, raise, begin, step, end, cut, orphan.
    """

def live_hook(hook: Callable[[int, int], bool] | None) -> None:
    """Called with 0 step, 1 enter, 2 leave, 3 end, and the number of the name; `serialprof.live.cuda`."""

def live_chore(chore: Callable[[], None] | None, ticks: int) -> None:
    """Called at the end of a step, at most once in so many ticks on a thread."""

def live_table() -> int:
    """The address of the functions that C++ calls."""

def live_bytes() -> int:
    """Bytes of buffers so far; they are kept to be used again."""
