# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random moments: the state afterwards equals the state before, every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.qemu.conftest import MACHINES

if TYPE_CHECKING:
    from tests.qemu.rig import Observations

pytestmark = [pytest.mark.qemu, pytest.mark.parametrize("machine", ["acpi", "shared", "amd", "boost"])]


def test_run_killed_in_its_sweep(machine: str, seen: Observations) -> None:
    moments = seen["kill_run_in_its_sweep"]
    assert len(moments) == MACHINES[machine].kills
    assert [moment["difference"] for moment in moments if moment["difference"]] == []
    assert not any(moment["journal"] for moment in moments)
    assert [moment["hidden"] for moment in moments if moment["hidden"]] == []
    changed = sum(moment["changed"] > 0 for moment in moments)
    assert changed >= len(moments) / 2, "most moments are to be ones at which there is something to give back"


def test_run_killed_as_it_starts(machine: str, seen: Observations) -> None:
    """Before its guardian has started there is at most a journal, and no clock was changed."""
    moments = seen["kill_run_as_it_starts"]
    assert len(moments) == MACHINES[machine].kills // 10
    for moment in moments:
        assert moment["difference"] == {}
        assert moment["recovered"] == {}
        assert moment["hidden"] == []


def test_run_and_guardian_killed(machine: str, seen: Observations) -> None:
    moments = seen["kill_run_and_guardian"]
    assert len(moments) == MACHINES[machine].kills // 10
    assert any(moment["changed"] for moment in moments)
    for moment in moments:
        assert moment["journal"] or not moment["changed"], "whatever is left is in the journal"
        assert moment["recovered"] == {}
        assert moment["hidden"] == []
        assert not moment["journal after"]
