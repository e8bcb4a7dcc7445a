# SPDX-License-Identifier: Apache-2.0
"""What holds for every torch workload."""

from __future__ import annotations

import time
from functools import partial

import pytest

torch = pytest.importorskip("torch")

from serialprof.loading import load  # noqa: E402
from serialprof.measure.sampler import settle  # noqa: E402
from serialprof.setting import Setting  # noqa: E402

#: Parameters that make a step small.
SMALL = {
    "torch-rnn": {"hidden": 8},
    "torch-gru": {"hidden": 8},
    "torch-lstm": {"hidden": 8},
    "torch-scan": {"channels": 5},
    "torch-ca": {"cells": 192},
    "torch-diffusion": {"dim": 5},
    "torch-mlp": {"layers": 3, "units": 16},
    "torch-decode": {"model_dim": 16, "layers": 2, "heads": 2, "vocabulary": 32, "context": 3},
    "torch-planted": {"host": 1.0, "kernel": 1.0, "lane": 1.0, "join": "sum"},
}
FORMS = [(name, form) for name in SMALL for form in ("serial", "wide") if (name, form) != ("torch-planted", "wide")]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def setting(name, **changes):
    return Setting(**{"width": 3, "depth": 7, "mode": "eager", "parameters": SMALL[name], **changes})


@pytest.mark.parametrize("name", SMALL)
def test_is_registered(name):
    workload = load(name)
    assert workload.name == name
    assert workload.requires == ("torch",)
    assert workload.devices == ("cpu", "cuda")
    assert workload.open_ended
    assert workload.widths == tuple(2**power for power in range(15))
    assert workload.modes[:3] == ("eager", "compile", "graph")
    assert ("fused" in workload.modes) == (name in ("torch-rnn", "torch-gru", "torch-lstm"))
    assert set(workload.parameters) == set(SMALL[name])


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_check_passes_at_any_width_and_depth(name, form):
    for width, depth in ((1, 1), (3, 7), (19, 2)):
        stepper = load(name).stepper(setting(name, width=width, depth=depth, form=form))
        stepper.check()
        stepper.run(depth)
        stepper.check()


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
@pytest.mark.parametrize(("name", "form"), FORMS)
def test_check_passes_in_half_precision(name, form, dtype):
    workload = load(name)
    if dtype in workload.dtypes:
        workload.stepper(setting(name, dtype=dtype, form=form)).check()
    else:
        assert workload.dtypes == ("fp32",)


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_more_steps_than_it_was_built_for_are_refused(name, form):
    with pytest.raises(ValueError, match="8 steps are more than the depth of 7"):
        load(name).stepper(setting(name, form=form)).run(8)


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_an_unknown_mode_is_refused(name, form):
    with pytest.raises(ValueError, match="mode = 'turbo'"):
        load(name).stepper(setting(name, mode="turbo", form=form))


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_delayed_does_the_same_and_waits(name, form):
    stepper = load(name).stepper(setting(name, form=form))
    stepper.check()
    began = time.perf_counter()
    stepper.delayed(7, 2e-3)
    assert time.perf_counter() - began >= 7 * 2e-3


@pytest.mark.parametrize("name", SMALL)
def test_traces_every_step_on_the_cpu(name):
    stepper = load(name).stepper(setting(name))
    ticks = memoryview(bytearray(8 * 8)).cast("q")
    assert stepper.trace(7, ticks) == 1e-9
    assert list(ticks) == sorted(ticks)
    assert ticks[0] > 0
    assert not hasattr(stepper, "sync")
    stepper.check()


def test_the_sampler_takes_one():
    assert settle(load("torch-rnn").stepper(setting("torch-rnn")), setting("torch-rnn")).steady in (True, False)


@pytest.mark.parametrize("name", [name for name in SMALL if name != "torch-planted"])
def test_declared_work_follows_width_and_element(name):
    workload = load(name)
    single, half = (workload.declared(setting(name, dtype=dtype)) for dtype in ("fp32", "bf16"))
    if "bf16" in workload.dtypes:
        assert single.bytes.at(3) == 2 * half.bytes.at(3)
        assert single.footprint.at(3) == 2 * half.footprint.at(3)
    assert single.flops == half.flops
    assert single.flops.fixed == 0
    assert single.barriers == 0
    assert workload.declared(setting(name, threads=2)).barriers > 0
    assert workload.declared(setting(name, mode="compile")).bytes.at(3) <= single.bytes.at(3)


@pytest.mark.parametrize(
    ("name", "moved", "alive"),
    [("torch-ca", 2 * 3 * 8, 8 * 3 * 8), ("torch-scan", 2 * 5 * 4, 9 * 5 * 4)],
)
def test_what_a_cache_may_hold_counts_in_the_footprint_alone(name, moved, alive):
    work = load(name).declared(setting(name))
    assert (work.bytes.fixed, work.bytes.per_lane) == (0, moved)
    assert (work.footprint.fixed, work.footprint.per_lane) == (0, alive)


@pytest.mark.parametrize(
    ("name", "of_products"),
    [
        ("torch-rnn", lambda work: work - 8 * (3 + 21)),
        ("torch-gru", lambda work: work - 8 * (13 + 2 * 24 + 21)),
        ("torch-lstm", lambda work: work - 8 * (16 + 3 * 24 + 2 * 21)),
        ("torch-mlp", lambda work: work - (3 * 16 + 4 * 16)),
    ],
)
def test_declared_products_are_those_that_torch_counts(name, of_products):
    from torch.utils.flop_counter import FlopCounterMode

    width = 3
    stepper = load(name).stepper(setting(name, width=width))
    with FlopCounterMode(display=False) as counter:
        stepper.run(7)
    assert counter.get_total_flops() == 7 * width * of_products(load(name).declared(setting(name)).flops.per_lane)


def test_declared_flops_of_decode_are_those_that_torch_counts_but_for_the_small_ones():
    from torch.utils.flop_counter import FlopCounterMode

    knobs = setting("torch-decode", depth=4, parameters={**SMALL["torch-decode"], "model_dim": 64, "vocabulary": 256})
    stepper = load("torch-decode").stepper(knobs)
    with FlopCounterMode(display=False) as counter:
        stepper.run(4)
    counted = counter.get_total_flops() / 4 / knobs.width
    assert counted <= load("torch-decode").declared(knobs).flops.per_lane <= 1.1 * counted


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
@pytest.mark.parametrize(("name", "form"), [("torch-rnn", "serial"), ("torch-scan", "wide")])
def test_compiled_steps_do_the_same(name, form):
    stepper = load(name).stepper(setting(name, mode="compile", form=form))
    stepper.check()


def test_more_batch_sizes_can_be_compiled_than_torch_keeps_of_one_function(monkeypatch):
    from serialprof_workloads.torchkit import stepper

    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", partial(compile_, backend="eager"))  # without its C++ compiler
    monkeypatch.setattr(torch._dynamo.config, "recompile_limit", 2)

    def doubled(size):
        state = torch.ones(size)

        def step():
            state.copy_(state + state)

        return state, stepper.compiled(step)

    for size in range(1, 6):
        state, step = doubled(size)
        step()
        assert state.tolist() == [2.0] * size
