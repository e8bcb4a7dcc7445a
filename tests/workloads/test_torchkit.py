# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Sequence

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
