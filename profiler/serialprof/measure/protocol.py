# SPDX-License-Identifier: Apache-2.0
"""What the parent and its workers say to one another: one JSON line a message, over pipes of their own.

The parent speaks first and waits; a worker that is not answering sleeps in read(), so that exactly one process runs.
Nothing is ever unpickled.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from serialprof.catalog import Description, Work
from serialprof.devicelimits import DeviceLimits
from serialprof.limits import Limits, Part
from serialprof.measure.observation import Observation
from serialprof.measure.pairs import PairReading
from serialprof.measure.yardsticks import Yardsticks
from serialprof.planning import StandInKind
from serialprof.records import Anatomy, Profile, Readings, StepTicks, Timing
from serialprof.setting import Setting


class Describe(msgspec.Struct, tag=True, frozen=True):
    """Load the workload and say what it is."""


class Declare(msgspec.Struct, tag=True, frozen=True):
    """Say the declared work at each setting."""

    settings: tuple[Setting, ...]


class Calibrate(msgspec.Struct, tag=True, frozen=True):
    """Build the stepper, warm it up until it is steady, and time run(D)."""

    setting: Setting


class Check(msgspec.Struct, tag=True, frozen=True):
    """Compare the stepper's known answer, where it has one."""

    setting: Setting


class Sampling(msgspec.Struct, tag=True, frozen=True):
    """Take samples of `runs` run(D) each for `seconds`, warm-up of the caches included; with or without the meter."""

    setting: Setting
    runs: int
    seconds: float
    meter: bool = True


class Turn(msgspec.Struct, tag=True, frozen=True):
    """Time `runs` run(D) once, nothing beside it; where `warm`, after one that is not timed."""

    setting: Setting
    runs: int
    warm: bool


class TraceSteps(msgspec.Struct, tag=True, frozen=True):
    """Time single steps of whole run(D), about so many."""

    setting: Setting
    steps: int


class TellMemory(msgspec.Struct, tag=True, frozen=True):
    """Say how much memory was held at most so far."""

    setting: Setting


class CountLaunches(msgspec.Struct, tag=True, frozen=True):
    """Count what so many steps launch; steps that are timed in the same process later take longer."""

    setting: Setting
    steps: int


class CountTouched(msgspec.Struct, tag=True, frozen=True):
    """Count the memory that so many steps touch."""

    setting: Setting
    steps: int


class StandIn(msgspec.Struct, tag=True, frozen=True):
    """Time `runs` runs of `steps` steps at every level of a stand-in for another clock, in this order."""

    setting: Setting
    kind: StandInKind
    steps: int
    runs: int
    levels: tuple[float, ...]


class Probe(msgspec.Struct, tag=True, frozen=True):
    """Measure one part of the machine's limits, for these thread counts, placed on the CPUs in order.

    `quick` is for the short form; `seconds` is what it may take, imports left out.
    """

    part: Part
    cpus: tuple[int, ...]
    threads: tuple[int, ...]
    quick: bool
    seconds: float


class SeeDevice(msgspec.Struct, tag=True, frozen=True):
    """Say what a device is: "cpu", "cuda" or "cuda:N"."""

    device: str


class ProbeDevice(msgspec.Struct, tag=True, frozen=True):
    """Measure the limits of a device as torch drives it, with the worker's threads, in about so many seconds."""

    device: str
    dtypes: tuple[str, ...]
    seconds: float


class Dissect(msgspec.Struct, tag=True, frozen=True):
    """Time `runs` runs of `steps` steps in separate ways."""

    setting: Setting
    steps: int
    runs: int


class TakeProfile(msgspec.Struct, tag=True, frozen=True):
    """Run so many steps under the framework's profiler; steps that are timed in the same process later take longer."""

    setting: Setting
    steps: int


class ReadYardsticks(msgspec.Struct, tag=True, frozen=True):
    """Read the yardsticks of the worker's first CPU."""


class ProbePairs(msgspec.Struct, tag=True, frozen=True):
    """Find out which of these CPUs share a physical core although the kernel does not say so."""

    cpus: tuple[int, ...]


class Observe(msgspec.Struct, tag=True, frozen=True):
    """Build the workload afresh and say how it behaves, in about so many seconds; of a fresh worker alone."""

    setting: Setting
    seconds: float


class Described(msgspec.Struct, tag=True, frozen=True):
    """Answers Describe; `code` is the hash of the workload's source."""

    description: Description
    code: str


class Declared(msgspec.Struct, tag=True, frozen=True):
    """Answers Declare, in the order of the settings."""

    work: tuple[Work | None, ...]


class Calibrated(msgspec.Struct, tag=True, frozen=True):
    """Answers Calibrate: seconds of one run(D)."""

    seconds: float


class Checked(msgspec.Struct, tag=True, frozen=True):
    """Answers Check where nothing is wrong."""


class Sampled(msgspec.Struct, tag=True, frozen=True):
    """Answers Sampling."""

    readings: Readings


class Turned(msgspec.Struct, tag=True, frozen=True):
    """Answers Turn: seconds of all its runs."""

    seconds: float


class StepsTraced(msgspec.Struct, tag=True, frozen=True):
    """Answers TraceSteps."""

    ticks: StepTicks


class MemoryTold(msgspec.Struct, tag=True, frozen=True):
    """Answers TellMemory: bytes."""

    peak: int


class LaunchesCounted(msgspec.Struct, tag=True, frozen=True):
    """Answers CountLaunches: how many per step."""

    launches: float


class TouchedCounted(msgspec.Struct, tag=True, frozen=True):
    """Answers CountTouched: bytes of whole pages, None where the system does not tell."""

    touched: int | None


class StoodIn(msgspec.Struct, tag=True, frozen=True):
    """Answers StandIn, in the order of its levels."""

    timings: tuple[Timing, ...]


class DeviceSeen(msgspec.Struct, tag=True, frozen=True):
    """Answers SeeDevice; nothing in it is measured. `dtypes` are the element types that the device computes in."""

    limits: DeviceLimits
    dtypes: tuple[str, ...]


class DeviceProbed(msgspec.Struct, tag=True, frozen=True):
    """Answers ProbeDevice."""

    limits: DeviceLimits


class Dissected(msgspec.Struct, tag=True, frozen=True):
    """Answers Dissect; the anatomy has no profile."""

    anatomy: Anatomy


class Profiled(msgspec.Struct, tag=True, frozen=True):
    """Answers TakeProfile: the profile, or why there is none."""

    profile: Profile | None
    unprofiled: str


class Observed(msgspec.Struct, tag=True, frozen=True):
    """Answers Observe."""

    observation: Observation


class Probed(msgspec.Struct, tag=True, frozen=True):
    """Answers Probe: limits that hold that part alone."""

    limits: Limits


class YardsticksRead(msgspec.Struct, tag=True, frozen=True):
    """Answers ReadYardsticks."""

    yardsticks: Yardsticks


class PairsProbed(msgspec.Struct, tag=True, frozen=True):
    """Answers ProbePairs."""

    readings: tuple[PairReading, ...]


class Exhausted(msgspec.Struct, tag=True, frozen=True):
    """Answers any request for which the memory of host or device does not suffice: one sentence for people."""

    reason: str


class Failed(msgspec.Struct, tag=True, frozen=True):
    """Answers any request that raised: one sentence for people.

    `lost` where the worker is of no more use. `trace` is the workload's own part of the traceback, as Python prints it.
    """

    reason: str
    lost: bool = False
    trace: str = ""


Request: TypeAlias = (
    Describe
    | Declare
    | Calibrate
    | Check
    | Sampling
    | Turn
    | TraceSteps
    | TellMemory
    | CountLaunches
    | CountTouched
    | StandIn
    | Dissect
    | TakeProfile
    | Observe
    | Probe
    | ProbePairs
    | ReadYardsticks
    | SeeDevice
    | ProbeDevice
)
Reply: TypeAlias = (
    Described
    | Declared
    | Calibrated
    | Checked
    | Sampled
    | Turned
    | StepsTraced
    | MemoryTold
    | LaunchesCounted
    | TouchedCounted
    | StoodIn
    | Dissected
    | Profiled
    | Observed
    | Probed
    | PairsProbed
    | YardsticksRead
    | DeviceSeen
    | DeviceProbed
    | Exhausted
    | Failed
)

_REQUESTS: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_REPLIES: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


def encode(message: Request | Reply) -> bytes:
    """A message as one line."""
    return msgspec.json.encode(message) + b"\n"


def decode_request(line: bytes) -> Request:
    """A request from its line; raises msgspec.MsgspecError for anything else."""
    return _REQUESTS.decode(line)


def decode_reply(line: bytes) -> Reply:
    """A reply from its line; raises msgspec.MsgspecError for anything else."""
    return _REPLIES.decode(line)
