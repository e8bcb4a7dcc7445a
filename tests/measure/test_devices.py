# SPDX-License-Identifier: Apache-2.0
"""Of which devices the limits are measured, and what becomes of a probe that fails."""

from dataclasses import replace

import pytest

from serialprof.devicelimits import DeviceLimits
from serialprof.errors import CannotMeasureError
from serialprof.measure import devices
from serialprof.planning import Plan, Point
from serialprof.setting import Setting
from tests import made


def plan(*settings: Setting, on_torch: bool = True, quick: bool = False) -> Plan:
    points = tuple(Point(number, "toy", setting) for number, setting in enumerate(settings))
    description = replace(made.description(), on_torch=on_torch)
    return replace(made.plan(points), descriptions=(description,), quick=quick)


def cell(threads: int = 1, **knobs: object) -> Setting:
    facts = {"threads": threads, "cpus": tuple(range(threads)), "mode": "eager", **knobs}
    return Setting(**facts)  # type: ignore[arg-type]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What was to be probed; cuda:1 cannot be."""
    probes: list[tuple[object, ...]] = []

    def probe(cpus: tuple[int, ...], device: str, dtypes: tuple[str, ...], seconds: float) -> DeviceLimits:
        probes.append((cpus, device, dtypes, seconds))
        if device == "cuda:1":
            raise CannotMeasureError("torch sees no second device", "look again")
        return DeviceLimits(device, len(cpus), "made", 1 << 30, launch=1e-6)

    monkeypatch.setattr(devices, "probe_device", probe)
    return probes


def test_every_thread_count_that_torch_computes_with_is_probed_once(asked: list[tuple[object, ...]]) -> None:
    told: list[str] = []
    cells = (cell(), cell(width=8), cell(2), cell(2, dtype="bf16"), cell(3, mode="native"), cell(4, mode="process"))
    found = devices.limits_of_devices(plan(*cells), told.append)
    assert asked == [
        ((0,), "cpu", ("fp32", "bf16"), devices.SECONDS),
        ((0, 1), "cpu", ("fp32", "bf16"), devices.SECONDS),
    ]
    assert [(each.device, each.threads, each.launch) for each in found] == [("cpu", 1, 1e-6), ("cpu", 2, 1e-6)]
    assert told[1] == "measuring the limits of cpu on 2 threads as torch drives it"


def test_the_quick_form_takes_less(asked: list[tuple[object, ...]]) -> None:
    devices.limits_of_devices(plan(cell(device="cuda:0", mode="graph"), quick=True))
    assert asked == [((0,), "cuda:0", ("fp32",), devices.QUICK_SECONDS)]


def test_where_torch_drives_nothing_nothing_is_probed(asked: list[tuple[object, ...]]) -> None:
    assert devices.limits_of_devices(plan(cell(), on_torch=False)) == ()
    assert devices.limits_of_devices(plan(cell(mode="native"))) == ()
    assert not asked


def test_a_probe_that_fails_fails_no_run(asked: list[tuple[object, ...]]) -> None:
    (limits,) = devices.limits_of_devices(plan(cell(device="cuda:1")))
    assert limits.unmeasured == {"device": "torch sees no second device"}
    assert (limits.device, limits.threads, limits.launch) == ("cuda:1", 1, None)
