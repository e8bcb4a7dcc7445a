# SPDX-License-Identifier: Apache-2.0
"""The facts about a computer that a run keeps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cache:
    """One cache as CPU 0 sees it.

    Attributes:
        level: 1, 2, 3.
        kind: "Data", "Instruction" or "Unified".
        bytes: its size.
        cpus: how many CPUs share it.
    """

    level: int
    kind: str
    bytes: int
    cpus: int


@dataclass(frozen=True, slots=True)
class Gpu:
    """One CUDA device as NVML names it; memory in bytes."""

    name: str
    memory: int
    driver: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What this computer is.

    Attributes:
        host: its name.
        system, kernel: operating system and its release.
        architecture: "x86_64", "aarch64".
        processor: the model name that the kernel reports; its GHz, if any, is not a measurement.
        hypervisor: what kind of virtual machine this is, empty on bare metal or where unknown.
        cpus: CPUs that this process may use, physical cores first, then their SMT siblings.
        siblings: SMT groups among the usable CPUs, as the kernel tells them, joined where the pair probe found more.
        quota: CPUs' worth of time that a cgroup grants, None where unlimited.
        caches: as CPU 0 sees them.
        memory: bytes of memory.
        clock_driver, clock_governor: of cpufreq, empty where the kernel offers none.
        clock_writable: whether this process may change the clock.
        instruction_set: the level that the native hot loops run on.
        gpus: CUDA devices.
        python: its version.
        packages: versions of the packages that matter to a measurement; absent ones are missing.
        hidden_siblings: pairs of CPUs that share a core although the kernel does not say so (a guest's topology).
        stall_event: name of the hardware event that would count memory stalls here (`machine.stalls`), empty for none.
    """

    host: str
    system: str
    kernel: str
    architecture: str
    processor: str
    hypervisor: str
    cpus: tuple[int, ...]
    siblings: tuple[tuple[int, ...], ...]
    quota: float | None
    caches: tuple[Cache, ...]
    memory: int
    clock_driver: str
    clock_governor: str
    clock_writable: bool
    instruction_set: str
    gpus: tuple[Gpu, ...]
    python: str
    packages: dict[str, str]
    hidden_siblings: tuple[tuple[int, int], ...] = ()
    stall_event: str = ""

    @property
    def usable(self) -> int:
        """How many threads can run at once: the smaller of affinity and cgroup quota, at least 1."""
        granted = len(self.cpus) if self.quota is None else int(self.quota)
        return max(1, min(len(self.cpus), granted))

    @property
    def cores(self) -> int:
        """Physical cores among the usable CPUs, as far as the kernel tells."""
        return max(1, len(self.siblings))

    def cache_bytes(self, level: int) -> int | None:
        """Size of the data or unified cache of a level, None where the kernel does not tell."""
        sizes = [cache.bytes for cache in self.caches if cache.level == level and cache.kind != "Instruction"]
        return max(sizes, default=None)
