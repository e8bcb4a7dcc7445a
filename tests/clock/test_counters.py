# SPDX-License-Identifier: Apache-2.0
import errno
from pathlib import Path
from typing import ClassVar

import pytest

from serialprof import _native
from serialprof.clock import counters
from serialprof.machine.stalls import A3, StallEvent

SYSCTL = "sudo sysctl kernel.perf_event_paranoid=2"


@pytest.mark.parametrize(
    ("code", "paranoid", "reason", "remedy"),
    [
        (errno.EACCES, 3, "/proc/sys/kernel/perf_event_paranoid (3) keeps", SYSCTL),
        (errno.EPERM, None, "/proc/sys/kernel/perf_event_paranoid keeps", SYSCTL),
        (errno.EPERM, 2, "refused though kernel.perf_event_paranoid is 2", "docker run --cap-add=PERFMON"),
        (errno.ENOENT, 2, "this machine (or its hypervisor) offers none", ""),
        (errno.EOPNOTSUPP, 2, "this machine (or its hypervisor) offers none", ""),
        (0, 2, "count nothing", ""),
        (errno.ENOSYS, None, "no perf_event_open", ""),
        (errno.EMFILE, 2, "Too many open files", ""),
    ],
)
def test_a_refusal_is_explained(code: int, paranoid: int | None, reason: str, remedy: str) -> None:
    refused = counters.explain(code, paranoid)
    assert reason in refused.reason
    assert refused.remedy == remedy


class Refusing:
    """Stands in for the native class where the kernel refuses."""

    def __init__(self, events: list[tuple[int, int]]) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")


class Idle:
    """Stands in for counters that a hypervisor lets open and never runs."""

    def __init__(self, events: list[tuple[int, int]]) -> None:
        self.closed = False

    def read(self) -> list[int]:
        return [0, 0]

    def close(self) -> None:
        self.closed = True


def test_refused_counters_say_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "paranoid").write_text("4\n")
    monkeypatch.setattr(counters, "Counters", Refusing)
    assert counters.open_counters() is None
    refused = counters.refusal(tmp_path / "paranoid")
    assert refused is not None
    assert "(4)" in refused.reason
    assert counters.counters_denied(tmp_path / "paranoid").endswith(SYSCTL)


def test_counters_that_stand_still_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "Counters", Idle)
    assert counters.open_counters() is None
    assert "count nothing" in counters.counters_denied()


class Counting:
    """Stands in for the native class: counts so many of everything, but refuses some events."""

    refused: ClassVar[set[tuple[int, int]]] = set()
    opened: ClassVar[list["Counting"]] = []

    def __init__(self, events: list[tuple[int, int]]) -> None:
        if self.refused & set(events):
            raise OSError(errno.ENOENT, "No such file or directory")
        self.events, self.closed = list(events), False
        self.opened.append(self)

    def read(self) -> list[int]:
        return [1000 * (number + 1) for number in range(len(self.events))]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> type[Counting]:
    monkeypatch.setattr(counters, "Counters", Counting)
    monkeypatch.setattr(Counting, "opened", [])
    monkeypatch.setattr(Counting, "refused", set())
    return Counting


def test_stalls_are_counted_third_where_the_machine_has_an_event(
    monkeypatch: pytest.MonkeyPatch, counting: type[Counting]
) -> None:
    monkeypatch.setattr(counters, "stall_event", lambda: A3)
    opened = counters.open_counters()
    assert isinstance(opened, Counting)
    assert opened.events == [(0, 0), (0, 1), (4, 0x50005A3)]
    assert [item.closed for item in counting.opened] == [True, False], "what was tried first is closed"


@pytest.mark.parametrize("event", [A3, None])
def test_cycles_are_counted_where_stalls_cannot_be(
    monkeypatch: pytest.MonkeyPatch, counting: type[Counting], event: StallEvent | None
) -> None:
    monkeypatch.setattr(counters, "stall_event", lambda: event)
    counting.refused.add((A3.kind, A3.config))
    opened = counters.open_counters()
    assert isinstance(opened, Counting)
    assert (opened.events, opened.closed) == ([(0, 0), (0, 1)], False)


def test_counters_and_their_denial_agree_on_this_machine() -> None:
    opened = counters.open_counters()
    assert (opened is None) == bool(counters.counters_denied())
    if opened is not None:
        before = opened.read()[:2]
        assert len(before) == 2
        assert all(after > earlier for after, earlier in zip(opened.read(), before, strict=True))


def test_the_kernels_own_events_open_where_the_hardwares_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way through the kernel, on its task clock in place of cycles and instructions."""
    monkeypatch.setattr(counters, "_BASIC", [(1, 1), (1, 1)])
    opened = counters.open_counters()
    if opened is None:
        pytest.skip("this kernel lets this user count nothing")
    assert isinstance(opened, _native.Counters)
    assert counters.refusal() is None
    assert counters.counters_denied() == ""
