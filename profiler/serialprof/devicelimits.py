# SPDX-License-Identifier: Apache-2.0
"""What a device can do at best as a framework drives it, as measured by `measure.deviceprobe` and kept in the run."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DeviceRung:
    """Read bandwidth in bytes per second of one large operation over a footprint in bytes."""

    footprint: int
    bandwidth: float


@dataclass(frozen=True, slots=True)
class DeviceLimits:
    """Measured limits of a device; on the CPU an operation's launch is the framework's dispatch.

    Attributes:
        device: "cpu" or "cuda:N".
        threads: of the host that the framework computes with; 1 on a CUDA device.
        name: of the product.
        memory: bytes that it has.
        cache: bytes of its last-level cache (L2 on a GPU), None where unknown.
        multiprocessors: how many (SMs on a GPU, CPU cores otherwise), None where unknown.
        framework: name and version of what drove it, such as "torch 2.13.0".
        launch: host seconds that one eager operation on a tiny tensor takes until the host is free again.
        floor: seconds of the shortest kernel on the device, by the profiler; on the CPU, of the shortest operation.
        gap: seconds from the end of a kernel to the start of the next one in a replayed graph; None on the CPU.
        replay: host seconds that one replay of a captured graph takes until the host is free again; None on the CPU.
        synchronise: seconds that waiting for an idle device takes; None on the CPU.
        read_back: seconds that fetching one number from an idle device takes; None on the CPU.
        bandwidth: read bandwidth over footprints, ascending.
        flops: FLOP per second of a large matrix product, by element type; what the device lacks is left out.
        unmeasured: why a part is missing, by the name of its attribute.
    """

    device: str
    threads: int
    name: str
    memory: int
    cache: int | None = None
    multiprocessors: int | None = None
    framework: str = ""
    launch: float | None = None
    floor: float | None = None
    gap: float | None = None
    replay: float | None = None
    synchronise: float | None = None
    read_back: float | None = None
    bandwidth: tuple[DeviceRung, ...] = ()
    flops: dict[str, float] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)

    def bandwidth_at(self, footprint: float) -> float | None:
        """Read bandwidth at a footprint, None where none was measured.

        On a CPU that of the nearest measured footprint not below, else of the largest. On a CUDA device the highest of
        those not below: what a small one is read at is mostly the latency of a kernel.
        """
        fitting = [rung.bandwidth for rung in self.bandwidth if rung.footprint >= footprint]
        known = fitting or [rung.bandwidth for rung in self.bandwidth[-1:]]
        if not known:
            return None
        return known[0] if self.device == "cpu" else max(known)
