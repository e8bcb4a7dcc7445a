# SPDX-License-Identifier: Apache-2.0
import gc
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import pytest

from serialprof.setting import Setting
from serialprof_workloads.torchkit import stepper as steppers

torch = pytest.importorskip("torch")


def test_a_replayed_pass_has_the_result_of_as_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph writes where it was recorded to: another one that was recorded since has results of its own."""

    def record(calls: Sequence[Callable[[], object]], reset: Callable[[], object]) -> list[Callable[[], object]]:
        for call in calls:
            call()
        return [lambda: None for _ in calls]

    monkeypatch.setattr(steppers, "captured", record)
    passes = steppers.PassStepper(Setting(mode="graph", depth=4), lambda steps: steps, steppers.nothing, lambda _: None)
    results = []
    for steps in (4, 2, 4):
        passes.run(steps)
        results.append(passes.result)
    assert results == [4, 2, 4]


def test_what_a_graph_reads_lives_as_long_as_its_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph knows addresses alone: freed tensors would be overwritten under it, as a first run on a GPU showed."""

    class Graph:
        def replay(self) -> None: ...

    class Stream:
        def wait_stream(self, other: object) -> None: ...

    @contextmanager
    def capture(graph: Graph, pool: object) -> Iterator[None]:
        yield

    for name, fake in {
        "graph_pool_handle": lambda: 0,
        "Stream": Stream,
        "current_stream": Stream,
        "stream": lambda stream: nullcontext(),
        "CUDAGraph": Graph,
        "graph": capture,
    }.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    alive: list[weakref.ref[object]] = []

    def built() -> steppers.TorchStepper:
        state, inputs = torch.zeros(3), [torch.ones(3), torch.ones(3)]
        alive.extend(weakref.ref(values) for values in (state, *inputs))
        feeds = [(values,) for values in inputs]
        return steppers.TorchStepper(Setting(mode="graph", depth=4), state.add_, lambda: None, lambda _: None, feeds)

    own = built()
    gc.collect()
    assert all(reference() is not None for reference in alive)
    own.run(3)
    del own
    gc.collect()
    assert all(reference() is None for reference in alive)
