# SPDX-License-Identifier: Apache-2.0
"""The emulated machines: how their firmware describes them, and what is checked on each."""

from __future__ import annotations

from dataclasses import dataclass, replace

#: Metapackages, the first that the release has. amd-pstate's active and guided modes need Linux 6.4, which bookworm has
#: beside its first kernel.
NEWER = ("linux-image-6.12-amd64", "linux-image-amd64")
FIRST = ("linux-image-amd64",)
GOVERNORS = ("cpufreq_userspace", "cpufreq_powersave", "cpufreq_ondemand", "cpufreq_conservative")


@dataclass(frozen=True)
class Machine:
    """Two emulated CPUs whose clock one driver of the kernel sets."""

    name: str
    cpu: str
    table: str
    """The file in asl/ that is added to the firmware's tables."""
    kernel: tuple[str, ...] = NEWER
    defines: tuple[str, ...] = ()
    """What the table is compiled with."""
    modules: tuple[str, ...] = GOVERNORS
    arguments: tuple[str, ...] = ()
    """The kernel's."""
    checks: tuple[str, ...] = ()
    """The modules in guest/ whose checks run, in this order."""
    kills: int = 0
    """Moments of a sweep at which the run is killed."""
    seconds: float = 600
    """After which the emulator is ended."""


# acpi-cpufreq refuses `-cpu max`: it wants a CPU of Intel's or AMD's that had performance states.
ACPI = Machine(
    name="acpi-cpufreq, two policies",
    cpu="Nehalem",
    table="acpi-cpufreq.asl",
    modules=("acpi-cpufreq", *GOVERNORS),
    checks=("semantics", "control", "kills"),
    kills=100,
)
SHARED = Machine(
    name="acpi-cpufreq, one shared policy",
    cpu="Nehalem",
    table="acpi-cpufreq.asl",
    defines=("SHARED",),
    modules=("acpi-cpufreq", *GOVERNORS),
    checks=("semantics", "control", "kills"),
    kills=20,
)
# The model is one of those whose CPPC the kernel trusts without the CPU's own flag, which is not emulated;
# iomem=relaxed lets the checks read the registers that the driver writes.
AMD = Machine(
    name="amd-pstate",
    cpu="EPYC,model=113",
    table="amd-pstate.asl",
    modules=("msr", *GOVERNORS),
    arguments=("amd_pstate=passive", "amd_pstate.shared_mem=1", "iomem=relaxed"),
    checks=("amd", "control", "kills"),
    kills=50,
)
# Boost needs a flag of the CPU that is not emulated, for which amd-pstate did not ask before Linux 6.11.
BOOST = replace(
    AMD,
    name="amd-pstate, boost",
    kernel=FIRST,
    defines=("BOOST",),
    checks=("boost", "control", "kills"),
    kills=20,
)
