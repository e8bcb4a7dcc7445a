# SPDX-License-Identifier: Apache-2.0
"""The yardsticks of a core: all of them, also where a busy machine leaves time for one."""

import pytest

from serialprof.machine.topology import allowed_cpus
from serialprof.measure import yardsticks


@pytest.mark.parametrize("reached", [(), ("chain",), ("chain", "chase", "throughput")])
def test_every_yardstick_is_read_whatever_the_time_allows(
    monkeypatch: pytest.MonkeyPatch, reached: tuple[str, ...]
) -> None:
    monkeypatch.setattr(yardsticks, "in_turns", lambda visits, *_: {name: [visits[name]()[0]] for name in reached})
    found = yardsticks.read_yardsticks(allowed_cpus()[0])
    assert min(found.chain, found.chase, found.throughput) > 0
