# SPDX-License-Identifier: Apache-2.0
"""Which event counts memory stalls, by what the kernel says of a machine."""

from pathlib import Path

import pytest

from serialprof.machine import stalls
from serialprof.machine.stalls import A3, GENERIC, LOAD_NOT_COMPLETE, MEMORY_ACTIVITY, StallEvent, stall_event


def cpuinfo(folder: Path, vendor: str, family: int, model: int) -> Path:
    path = folder / "cpuinfo"
    path.write_text(
        f"processor\t: 0\nvendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}\nmodel name\t: A 9\n"
    )
    return path


@pytest.mark.parametrize(
    ("name", "event"),
    [("haswell", A3), ("skylake", A3), ("icelake", A3), ("sapphire_rapids", MEMORY_ACTIVITY), ("goldmont", GENERIC)],
)
def test_intels_cores_are_told_by_the_kernels_name(tmp_path: Path, name: str, event: StallEvent) -> None:
    (tmp_path / "cpu/caps").mkdir(parents=True)
    (tmp_path / "cpu/caps/pmu_name").write_text(f"{name}\n")
    assert stall_event(tmp_path, cpuinfo(tmp_path, "GenuineIntel", 6, 85)) == event


def test_the_events_are_encoded_as_their_vendors_say() -> None:
    # perf_event_attr.config of x86: event, umask << 8, cmask << 24.
    assert A3.config == 0xA3 | 5 << 8 | 5 << 24
    assert MEMORY_ACTIVITY.config == 0x47 | 5 << 8 | 5 << 24
    assert LOAD_NOT_COMPLETE.config == 0xD6 | 0xA2 << 8
    assert (GENERIC.kind, GENERIC.config) == (0, 8)


def test_a_hybrid_processor_has_none_that_both_kinds_of_cores_count(tmp_path: Path) -> None:
    (tmp_path / "cpu_core").mkdir()
    assert stall_event(tmp_path, cpuinfo(tmp_path, "GenuineIntel", 6, 151)) is None


def test_arms_event_is_that_of_its_source_where_the_core_has_it(tmp_path: Path) -> None:
    source = tmp_path / "armv8_pmuv3_0"
    (source / "events").mkdir(parents=True)
    (source / "type").write_text("10\n")
    assert stall_event(tmp_path, tmp_path / "none") == GENERIC
    (source / "events/stall_backend_mem").write_text("event=0x4005\n")
    found = stall_event(tmp_path, tmp_path / "none")
    assert found == StallEvent("stall_backend_mem", 10, 0x4005, beyond=True)


@pytest.mark.parametrize(
    ("family", "model", "event"),
    [
        (0x17, 0x01, GENERIC),  # Zen 1
        (0x17, 0x31, None),  # Zen 2
        (0x19, 0x01, None),  # Zen 3, Milan
        (0x19, 0x21, None),  # Zen 3, Vermeer
        (0x19, 0x50, None),  # Zen 3, Cezanne
        (0x19, 0x11, LOAD_NOT_COMPLETE),  # Zen 4, Genoa
        (0x19, 0x61, LOAD_NOT_COMPLETE),  # Zen 4, Raphael
        (0x19, 0xA0, LOAD_NOT_COMPLETE),  # Zen 4c, Bergamo
        (0x1A, 0x02, LOAD_NOT_COMPLETE),  # Zen 5
    ],
)
def test_amds_event_depends_on_family_and_model(
    tmp_path: Path, family: int, model: int, event: StallEvent | None
) -> None:
    assert stall_event(tmp_path, cpuinfo(tmp_path, "AuthenticAMD", family, model)) == event


def test_what_counts_beyond_the_clock_domain_is_known_by_name() -> None:
    events = (A3, MEMORY_ACTIVITY, LOAD_NOT_COMPLETE, GENERIC, StallEvent(stalls._ARM, 10, 0x4005, beyond=True))
    assert [stalls.counts_beyond(event.name) for event in events] == [event.beyond for event in events]
    assert not stalls.counts_beyond("")


def test_on_this_machine_it_is_one_of_them_or_none() -> None:
    found = stall_event()
    assert found is None or found.name
