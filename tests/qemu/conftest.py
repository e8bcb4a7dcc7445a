# SPDX-License-Identifier: Apache-2.0
"""One boot per emulated machine, two at a time, whose observations all tests of that machine share."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.qemu import machines
from tests.qemu.debian import UnavailableError, unpacked
from tests.qemu.rig import Observations, missing_tools, observe

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = Path(__file__).parents[2] / "build" / "qemu"
MACHINES = {
    "acpi": machines.ACPI,
    "shared": machines.SHARED,
    "amd": machines.AMD,
    "boost": machines.BOOST,
}
Boots = dict[str, Future[Observations]]


@pytest.fixture(scope="session")
def boots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boots]:
    """The boots that the collected tests ask for, under way."""
    wanted = sorted(set().union(*map(_asked_for, request.session.items)))
    if missing := missing_tools():
        pytest.skip(f"not on PATH: {', '.join(missing)} (make qemu installs them where apt-get can)")
    try:
        systems = {name: unpacked(CACHE, MACHINES[name].kernel) for name in wanted}
    except UnavailableError as error:
        pytest.skip(f"Debian's packages are not to be had here: {error}")
    with ThreadPoolExecutor(max_workers=2) as executor:
        yield {
            name: executor.submit(observe, systems[name], MACHINES[name], tmp_path_factory.mktemp(name))
            for name in wanted
        }


def _asked_for(item: pytest.Item) -> set[str]:
    """The machines that a test names as fixtures, or as its parameter."""
    called = getattr(item, "callspec", None)
    named = [*getattr(item, "fixturenames", ()), called.params.get("machine") if called else None]
    return {name for name in MACHINES if name in named}


@pytest.fixture
def seen(machine: str, boots: Boots) -> Observations:
    """What was observed on the machine that the test's parameter names."""
    return boots[machine].result()


@pytest.fixture(scope="session")
def acpi(boots: Boots) -> Observations:
    return boots["acpi"].result()


@pytest.fixture(scope="session")
def shared(boots: Boots) -> Observations:
    return boots["shared"].result()


@pytest.fixture(scope="session")
def amd(boots: Boots) -> Observations:
    return boots["amd"].result()


@pytest.fixture(scope="session")
def boost(boots: Boots) -> Observations:
    return boots["boost"].result()
