# SPDX-License-Identifier: Apache-2.0
import errno
from pathlib import Path

import pytest

from serialprof import _native
from serialprof.clock import counters

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


def test_counters_and_their_denial_agree_on_this_machine() -> None:
    opened = counters.open_counters()
    assert (opened is None) == bool(counters.counters_denied())
    if opened is not None:
        before = opened.read()
        assert len(before) == 2
        assert all(after > earlier for after, earlier in zip(opened.read(), before, strict=True))


def test_the_kernels_own_events_open_where_the_hardwares_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way through the kernel, on its task clock in place of cycles and instructions."""
    monkeypatch.setattr(counters, "_HARDWARE", 1)
    monkeypatch.setattr(counters, "_CYCLES", 1)
    monkeypatch.setattr(counters, "_INSTRUCTIONS", 1)
    opened = counters.open_counters()
    if opened is None:
        pytest.skip("this kernel lets this user count nothing")
    assert isinstance(opened, _native.Counters)
    assert counters.refusal() is None
    assert counters.counters_denied() == ""
