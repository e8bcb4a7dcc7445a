# SPDX-License-Identifier: Apache-2.0
"""The probes on this machine: facts other than speed."""

import os
from contextlib import closing

from serialprof.measure import protocol
from serialprof.measure.process import WorkerProcess


def test_limits_are_complete_and_physical() -> None:
    cpus = tuple(sorted(os.sched_getaffinity(0)))[:2]
    with closing(WorkerProcess("", cpus)) as worker:
        reply = worker.ask(protocol.Probe(cpus, tuple({1, len(cpus)}), True), limit=120)
    assert isinstance(reply, protocol.Probed), reply
    limits = reply.limits
    assert set(limits.chains) == {"add", "multiply", "fma", "divide"}
    assert all(1e-12 < seconds < 1e-6 for seconds in limits.chains.values())
    assert [rung.footprint for rung in limits.chase] == sorted({rung.footprint for rung in limits.stream})
    assert all(rung.seconds > 0 for rung in limits.chase)
    assert {rung.threads for rung in limits.stream} == {1, len(cpus)}
    assert set(limits.barrier) == ({2} if len(cpus) == 2 else set())
    assert limits.fma is not None and limits.fma > 1e6
    assert limits.clock is None or 1e8 < limits.clock < 1e10
