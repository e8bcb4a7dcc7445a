# SPDX-License-Identifier: Apache-2.0
"""What is remembered of a machine's limits, and what is not."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from serialprof import session
from serialprof.limitcache import fingerprint, recall, remember
from serialprof.limits import BarrierRung, ChaseRung, Limits, StreamRung
from serialprof.machine import Cache, Machine
from serialprof.preparation import look_at_machine
from tests import made

MACHINE = made.machine()
LIMITS = replace(made.limits(), measured=1.7e9, dispatch=8e-7, unmeasured={"dispatch": "x"})


def kept(folder: Path) -> Path:
    """The one file of the cache."""
    (file,) = (folder / "serialprof").iterdir()
    return file


def test_what_is_remembered_is_recalled_on_the_same_machine_alone(empty_cache: Path) -> None:
    assert recall(MACHINE) is None
    assert remember(MACHINE, [2, 1, 2], LIMITS) == ""
    entry = recall(MACHINE)
    assert entry is not None
    assert (entry.threads, entry.limits) == ((1, 2), LIMITS)
    assert recall(replace(MACHINE, memory=1)) == entry, "memory does not decide limits"


@pytest.mark.parametrize(
    "changed",
    [
        {"host": "other"},
        {"kernel": "6.2"},
        {"processor": "Other CPU"},
        {"hypervisor": "KVM"},
        {"cpus": (1, 0)},
        {"quota": 1.5},
        {"caches": (Cache(1, "Data", 32 << 10, 1),)},
        {"instruction_set": "baseline"},
        {"packages": {"torch": "2.13.0"}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_machine_has_another_fingerprint(changed: dict[str, object]) -> None:
    assert fingerprint(replace(MACHINE, **changed)) != fingerprint(MACHINE)  # type: ignore[arg-type]


def test_a_cut_off_cache_is_none(empty_cache: Path) -> None:
    remember(MACHINE, [1, 2], LIMITS)
    file = kept(empty_cache)
    content = file.read_bytes()
    for length in range(0, len(content), 97):
        file.write_bytes(content[:length])
        assert recall(MACHINE) is None, length
    file.write_bytes(content)
    assert recall(MACHINE) is not None


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b'{"more": ' + b"[" * 100_000,
        b'{"fingerprint": 1, "threads": [1], "limits": {}}',
        b'{"limits": {"chase": "none"}}',
    ],
    ids=["bytes", "deep", "types", "foreign"],
)
def test_a_damaged_cache_is_none_and_is_replaced(empty_cache: Path, content: bytes) -> None:
    remember(MACHINE, [1, 2], LIMITS)
    kept(empty_cache).write_bytes(content)
    assert recall(MACHINE) is None
    assert remember(MACHINE, [1, 2], LIMITS) == ""
    assert recall(MACHINE) is not None


def test_the_cache_of_another_machine_under_this_one_s_name_is_none(empty_cache: Path) -> None:
    other = replace(MACHINE, host="other")
    remember(other, [1, 2], LIMITS)
    file = kept(empty_cache)
    file.rename(file.with_name(f"limits-{fingerprint(MACHINE)[:16]}.json"))
    assert recall(MACHINE) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"chase": (ChaseRung(0, 1e-9),)},
        {"chase": (ChaseRung(64, -1e-9),)},
        {"barriers": (BarrierRung(2, -1.0, 1e-7),)},
        {"updates": (StreamRung(64, 1, 0.0),)},
        {"chains": {"add": 0.0}},
        {"measured": None},
    ],
)
def test_numbers_that_cannot_have_been_measured_are_neither_kept_nor_believed(
    empty_cache: Path, wrong: dict[str, object]
) -> None:
    assert remember(MACHINE, [1, 2], replace(LIMITS, **wrong)) == "a part is missing"  # type: ignore[arg-type]
    assert not (empty_cache / "serialprof").exists()


def test_a_cache_with_impossible_numbers_is_none(empty_cache: Path) -> None:
    remember(MACHINE, [1, 2], LIMITS)
    content = kept(empty_cache).read_text()
    assert '"footprint":32768' in content
    kept(empty_cache).write_text(content.replace('"footprint":32768', '"footprint":0'))
    assert recall(MACHINE) is None


def test_a_cache_from_before_updates_is_read_as_one_without(empty_cache: Path) -> None:
    remember(MACHINE, [1, 2], LIMITS)
    entry = json.loads(kept(empty_cache).read_text())
    del entry["limits"]["updates"]
    kept(empty_cache).write_text(json.dumps(entry))
    before = recall(MACHINE)
    assert before is not None and before.limits == replace(LIMITS, updates=())


def test_limits_with_a_failed_part_are_not_kept_unless_it_is_torch(empty_cache: Path) -> None:
    for part in ({"chains": {}}, {"fma": {}}, {"chase": ()}, {"stream": ()}, {"updates": ()}, {"barriers": ()}):
        assert remember(MACHINE, [1, 2], replace(LIMITS, **part)) == "a part is missing"  # type: ignore[arg-type]
    assert remember(MACHINE, [1], replace(LIMITS, barriers=())) == ""
    assert remember(MACHINE, [1, 2], replace(LIMITS, dispatch=None)) == ""


def test_the_quick_form_never_replaces_the_full_one(empty_cache: Path) -> None:
    quick, full = replace(LIMITS, quick=True, clock=1e9), replace(LIMITS, clock=2e9)
    for limits, reason in ((quick, ""), (quick, ""), (full, ""), (quick, "the cache holds the full form"), (full, "")):
        assert remember(MACHINE, [1, 2], limits) == reason
    entry = recall(MACHINE)
    assert entry is not None and entry.limits == full


def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert remember(MACHINE, [1, 2], LIMITS).startswith("the cache cannot be written, ")
    assert recall(MACHINE) is None


def test_a_disk_that_fails_in_the_middle_leaves_the_old_cache_and_no_rest(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(MACHINE, [1, 2], LIMITS)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert (
        remember(MACHINE, [1, 2], replace(LIMITS, clock=1e9)) == "the cache cannot be written, No space left on device"
    )
    assert kept(empty_cache)
    entry = recall(MACHINE)
    assert entry is not None and entry.limits == LIMITS


@pytest.fixture(scope="module")
def here() -> Machine:
    return look_at_machine()


def test_a_run_takes_remembered_limits_and_says_how_old_they_are(empty_cache: Path, here: Machine) -> None:
    told: list[str] = []
    limits = replace(LIMITS, measured=session.time.time() - 3 * 3600)
    remember(here, [1, 2], limits)
    assert session.limits_of(here, [2], stage=told.append) == limits
    assert told == ["this machine's limits are those measured 3 h ago"]


def test_a_quick_run_takes_quick_limits_and_says_that_they_are(empty_cache: Path, here: Machine) -> None:
    told: list[str] = []
    limits = replace(LIMITS, measured=session.time.time() - 90, quick=True)
    remember(here, [1, 2], limits)
    assert session.limits_of(here, [1], quick=True, stage=told.append) == limits
    assert told == ["this machine's limits are those measured 2 min ago in the quick form"]


def test_a_whole_run_is_not_content_with_the_quick_form(empty_cache: Path, here: Machine) -> None:
    class BegunError(Exception):
        pass

    def stage(text: str) -> None:
        raise BegunError(text)

    remember(here, [1, 2], replace(LIMITS, measured=session.time.time(), quick=True))
    with pytest.raises(BegunError, match=r"^measuring this machine's limits$"):
        session.limits_of(here, [1], stage=stage)


def test_only_the_thread_counts_that_are_lacking_are_measured(empty_cache: Path, here: Machine) -> None:
    if here.usable < 2:
        pytest.skip("one CPU has one thread count")
    one = replace(LIMITS, measured=session.time.time(), barriers=())
    remember(here, [1], one)
    told: list[str] = []
    limits = session.limits_of(here, [1, 2], quick=True, stage=told.append)
    assert told == ["measuring this machine's limits for 2 threads, beside those measured 0 s ago"]
    assert limits.chase[: len(one.chase)] == one.chase
    assert {rung.threads for rung in limits.chase} == {rung.threads for rung in limits.stream} == {1, 2}
    assert limits.barriers or "barriers" in limits.unmeasured
    assert {rung.threads for rung in limits.barriers} <= {2}
    assert (limits.chains, limits.dispatch, limits.quick) == (one.chains, one.dispatch, False)
    entry = recall(here)
    assert entry is not None and entry.limits == one, "quick rungs are not kept among those of the full form"


def test_what_is_measured_is_remembered(empty_cache: Path, here: Machine) -> None:
    told: list[str] = []
    limits = session.limits_of(here, [1], quick=True, stage=told.append)
    assert session.limits_of(here, [1], quick=True, stage=told.append) == limits
    assert told[0] == "measuring this machine's limits"
    assert told[1].startswith("this machine's limits are those measured ")
    assert limits != Limits()
