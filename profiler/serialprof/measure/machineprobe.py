# SPDX-License-Identifier: Apache-2.0
"""What a worker answers about this machine, where it serves no workload."""

from __future__ import annotations

from collections.abc import Sequence

from serialprof.measure import protocol
from serialprof.measure.binding import bind


def answer(request: protocol.Request, cpus: Sequence[int]) -> protocol.Reply:
    """The answer to what is asked about this machine, and about no workload.

    Args:
        request: what is asked.
        cpus: of this process.
    """
    match request:
        case protocol.SeeDevice(device):
            from serialprof.measure.deviceprobe import see_device

            return protocol.DeviceSeen(*see_device(device))
        case protocol.ProbeDevice(device, dtypes, seconds):
            from serialprof.measure.deviceprobe import probe_device

            return protocol.DeviceProbed(probe_device(device, dtypes, len(cpus), seconds))
        case protocol.Probe(part, among, threads, quick, seconds):
            from serialprof.measure.probes import measure_part

            bind(cpus[:1])
            return protocol.Probed(measure_part(part, among, threads, quick, seconds))
        case protocol.ReadYardsticks():
            from serialprof.measure.yardsticks import read_yardsticks

            bind(cpus[:1])
            return protocol.YardsticksRead(read_yardsticks(cpus[0]))
        case protocol.ProbePairs(among):
            from serialprof.measure.pairs import probe_pairs

            return protocol.PairsProbed(probe_pairs(among))
        case _:
            raise AssertionError(f"nobody answers {type(request).__name__}")
