# SPDX-License-Identifier: Apache-2.0
"""What torch drives: facts and limits of the CPU, and how a device that is not there is refused."""

import sys
from dataclasses import replace

import pytest

from serialprof.errors import CannotMeasureError
from serialprof.measure import deviceprobe
from serialprof.measure.deviceprobe import probe_device, see_device
from serialprof.measure.introspection import probe_device as probe_apart
from serialprof.measure.introspection import see_device as see_apart
from tests.measure.fakecuda import FakeCuda


def test_without_torch_there_is_nothing_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(CannotMeasureError) as caught:
        see_device("cpu")
    assert f"{caught.value}" == "torch is not installed; pip install serialprof[torch]"
    monkeypatch.setattr("serialprof.measure.introspection.find_spec", lambda name: None)
    with pytest.raises(CannotMeasureError) as caught:
        see_apart((0,), "cpu")
    assert f"{caught.value}" == "torch is not installed; pip install serialprof[torch]"


def test_the_cpu_is_told_and_nothing_of_it_measured() -> None:
    torch = pytest.importorskip("torch")
    limits, dtypes = see_device("cpu")
    assert (limits.device, limits.framework) == ("cpu", f"torch {torch.__version__}")
    assert limits.name and limits.memory > 1 << 28 and (limits.multiprocessors or 0) >= 1
    assert "fp32" in dtypes
    assert (limits.launch, limits.bandwidth, limits.flops) == (None, (), {})


def test_a_cuda_device_that_is_not_there_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CannotMeasureError, match=r"^torch sees no CUDA device; "):
        see_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for device in ("cuda:2", "cuda:x"):
        with pytest.raises(CannotMeasureError) as caught:
            see_device(device)
        assert f"{caught.value}" == f"torch sees no CUDA device {device!r}; choose from cuda:0, cuda:1"


def test_the_limits_of_the_cpu_are_measured_in_a_process_of_its_own() -> None:
    pytest.importorskip("torch")
    limits = probe_apart((0,), "cpu", ("fp32",), 0.3)
    assert (limits.device, limits.threads, limits.unmeasured) == ("cpu", 1, {})
    assert limits.launch is not None and limits.floor is not None
    assert 0 < limits.floor <= limits.launch < 1e-3
    assert (limits.gap, limits.replay, limits.synchronise, limits.read_back) == (None,) * 4
    footprints = [rung.footprint for rung in limits.bandwidth]
    assert footprints == sorted(set(footprints)) and len(footprints) >= 2
    assert all(rung.bandwidth > 1e6 for rung in limits.bandwidth)
    assert limits.flops["fp32"] > 1e6


def test_a_part_that_fails_says_so_and_the_others_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")

    def fail(*_: object) -> float:
        raise RuntimeError("no such\n  kernel")

    monkeypatch.setattr(deviceprobe, "_sum_seconds", fail)
    monkeypatch.setattr(deviceprobe, "_floor", fail)
    limits = probe_device("cpu", ("fp32", "fp8"), torch.get_num_threads(), 0.05)
    assert limits.unmeasured == {
        "bandwidth": "no such kernel",
        "floor": "no such kernel",
        "fp8": "the device does not compute in it",
    }
    assert limits.launch and limits.flops["fp32"] > 1e6 and limits.bandwidth == ()


def test_what_every_operation_takes_is_no_part_of_the_bandwidth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum of 1 MiB takes 5 us of which 1 us is the launch; one of a page hardly more than the launch."""
    pytest.importorskip("torch")
    limits = replace(see_device("cpu")[0], launch=1e-6)
    monkeypatch.setattr(deviceprobe, "_footprints", lambda limits: (4096, 1 << 20))
    monkeypatch.setattr(deviceprobe, "_sum_seconds", lambda driver, size, seconds: 5e-6 if size > 4096 else 1.1e-6)
    page, large = deviceprobe._bandwidth(limits, deviceprobe._Host(), 1.0)
    assert large.bandwidth == pytest.approx((1 << 20) / 4e-6)
    assert page.bandwidth == pytest.approx(4096 / 0.55e-6), "half of the time is left at least"


def test_latencies_of_a_cuda_device_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a made-up one: launches of 4 us, kernels of 2 us that begin 1 us apart, replays of 7 us, waits of 5 us."""
    torch = pytest.importorskip("torch")
    fake = FakeCuda().lay(monkeypatch, torch)
    state = torch.zeros(1)
    monkeypatch.setattr(deviceprobe, "_tiny", lambda device: (state, fake.enqueue))
    monkeypatch.setattr(deviceprobe, "_floor", lambda device, operation: 2e-6)
    found = deviceprobe._Cuda("cuda:1").latencies(0.5)
    assert found == {
        "launch": pytest.approx(4e-6),
        "floor": 2e-6,
        "gap": pytest.approx(1e-6, rel=0.02),  # one replay's 7 us are spread over the thousand kernels of a timing
        "replay": pytest.approx(7e-6),
        "synchronise": pytest.approx(5e-6),
        "read_back": pytest.approx(0.0),
    }
    assert fake.log[0] == "set cuda:1" and set(fake.log[1:]) == {"synchronize cuda:1"}


def test_a_device_that_captures_no_graph_has_its_other_latencies(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    fake = FakeCuda().lay(monkeypatch, torch)

    def refuse() -> None:
        raise RuntimeError("no graphs")

    monkeypatch.setattr(torch.cuda, "CUDAGraph", refuse)
    monkeypatch.setattr(deviceprobe, "_tiny", lambda device: (torch.zeros(1), fake.enqueue))
    monkeypatch.setattr(deviceprobe, "_floor", lambda device, operation: 2e-6)
    found = deviceprobe._Cuda("cuda:0").latencies(0.5)
    assert (found["gap"], found["replay"]) == ("no graphs", "no graphs")
    assert found["launch"] == pytest.approx(4e-6)
