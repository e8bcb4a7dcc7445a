# SPDX-License-Identifier: Apache-2.0
"""Which errors say that memory did not suffice, or that a worker is of no more use."""

import sys

import pytest

from serialprof.errors import WorkloadError
from serialprof.measure import memory


def caught(error: BaseException, before: BaseException | None = None) -> BaseException:
    """An error as it arrives, raised while another one was handled."""
    try:
        try:
            raise before or error
        except BaseException:
            raise error  # noqa: B904 - what came before is its context
    except BaseException as arrived:
        return arrived


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), "out of memory"),
        (RuntimeError("not enough memory: you tried to allocate 8 bytes"), "out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "out of memory on the CUDA device"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), "out of memory on the CUDA device"),
        (memory.ExhaustedError("out of memory: it would touch 2 GiB"), "out of memory: it would touch 2 GiB"),
        (RuntimeError("CUDA error: device-side assert triggered"), ""),
        (ValueError("out of memory"), ""),
        (WorkloadError("no"), ""),
    ],
)
def test_errors_that_mean_memory(error: BaseException, reason: str) -> None:
    assert memory.exhaustion(error) == reason
    follow_up = caught(RuntimeError("CUDA error: operation failed due to a previous error during capture"), error)
    assert memory.exhaustion(follow_up) == reason, "the end of a graph capture hides what ended it"


def test_an_error_that_causes_itself_ends_the_search() -> None:
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__context__, second.__context__ = second, first
    assert memory.exhaustion(first) == ""


def test_errors_after_which_a_worker_is_of_no_more_use() -> None:
    assert memory.context_lost(RuntimeError("CUDA error: device-side assert triggered\nCompile with ..."))
    assert not memory.context_lost(RuntimeError("expected two tensors"))
    assert not memory.context_lost(ValueError("CUDA error: that is what it says, but it is none"))


def test_the_errors_of_torch_itself() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert memory.exhaustion(refused.value) == "out of memory"
    assert not memory.context_lost(refused.value)
    assert memory.context_lost(torch.AcceleratorError("device-side assert triggered"))
    assert memory.exhaustion(torch.cuda.OutOfMemoryError("CUDA out of memory. Tried ...")).endswith("CUDA device")
    memory.release()  # no CUDA device has been woken up: there is nothing to give back, and none is woken up now
    assert not torch.cuda.is_initialized()


def test_releasing_memory_imports_no_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    memory.release()
    assert "torch" not in sys.modules


def test_a_host_with_free_memory_keeps_a_small_worker_s_steppers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_KEPT_SHARE", 1e3)
    assert not memory.keeps_too_much("cpu")
    monkeypatch.setattr(memory, "_KEPT_SHARE", 1e-9)
    assert memory.keeps_too_much("cpu")
