# SPDX-License-Identifier: Apache-2.0
"""Counters on the kernel's own software events, which need no hardware and no privilege."""

import errno
import mmap
import sys
import threading
import time

import pytest

from serialprof import _native

SOFTWARE = 1  # PERF_TYPE_SOFTWARE, and its configs
TASK_CLOCK = 1  # nanoseconds on a CPU
PAGE_FAULTS = 2

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="perf_event_open is Linux's")


def open_counters(*configs: int) -> _native.Counters:
    try:
        return _native.Counters([(SOFTWARE, config) for config in configs])
    except PermissionError:
        pytest.skip("this kernel lets this user count nothing")


def burn(seconds: float) -> None:
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass


def test_counts_the_calling_thread() -> None:
    counters = open_counters(TASK_CLOCK)
    (before,) = counters.read()
    burn(0.02)
    (after,) = counters.read()
    assert after - before > 0.01e9


def test_counts_the_threads_that_start_later_too() -> None:
    counters = open_counters(TASK_CLOCK)
    thread = threading.Thread(target=burn, args=(0.05,))
    (before,) = counters.read()
    thread.start()
    thread.join()
    (after,) = counters.read()
    assert after - before > 0.04e9  # this thread slept


def test_every_event_has_its_place() -> None:
    counters = open_counters(PAGE_FAULTS, TASK_CLOCK)
    page, pages = 4096, 512
    fresh = mmap.mmap(-1, page * pages)  # the allocator might hand out memory that was touched before
    before = counters.read()
    for start in range(0, page * pages, page):
        fresh[start] = 1
    faults, clock = (after - earlier for after, earlier in zip(counters.read(), before, strict=True))
    assert 0 < faults <= 2 * pages + 64
    assert clock > faults


def test_a_refusal_carries_the_kernels_errno() -> None:
    with pytest.raises(OSError) as caught:
        _native.Counters([(SOFTWARE, TASK_CLOCK), (SOFTWARE, 1 << 40)])
    assert caught.value.errno in (errno.ENOENT, errno.EINVAL, errno.EACCES)


def test_nothing_to_count_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to count"):
        _native.Counters([])


def test_closed_counters_cannot_be_read() -> None:
    counters = open_counters(TASK_CLOCK)
    counters.close()
    counters.close()
    with pytest.raises(ValueError, match="closed"):
        counters.read()
