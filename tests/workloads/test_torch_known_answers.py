# SPDX-License-Identifier: Apache-2.0
"""That the known answers of the torch workloads are missed by programs that are wrong."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from serialprof._native import Decode, Team  # noqa: E402
from serialprof.setting import Setting  # noqa: E402
from serialprof_workloads import (  # noqa: E402
    torch_ca,
    torch_decode,
    torch_diffusion,
    torch_gru,
    torch_lstm,
    torch_mlp,
    torch_planted,
    torch_rnn,
    torch_scan,
)
from serialprof_workloads.torchkit import recurrent  # noqa: E402
from serialprof_workloads.torchkit.tensors import require_close, require_repeats  # noqa: E402

FORMS = pytest.mark.parametrize("form", ["serial", "wide"])
DECODE = {"model_dim": 16, "layers": 2, "heads": 2, "vocabulary": 32, "context": 3}
CELLS = {"rnn": torch_rnn.CELL, "gru": torch_gru.CELL, "lstm": torch_lstm.CELL}


def setting(parameters, **changes):
    return Setting(**{"width": 3, "depth": 7, "mode": "eager", "parameters": parameters, **changes})


def with_gates(cell, order):
    """The cell with its gates taken in another order."""

    def update(w_ih, w_hh, b_ih, b_hh, *rest):
        taken = (torch.cat([values.chunk(cell.gates)[gate] for gate in order]) for values in (w_ih, w_hh, b_ih, b_hh))
        return cell.update(*taken, *rest)

    return replace(cell, update=update)


@FORMS
@pytest.mark.parametrize(("name", "order"), [("gru", (1, 0, 2)), ("lstm", (0, 1, 3, 2)), ("lstm", (1, 0, 2, 3))])
@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_a_cell_with_two_gates_exchanged_is_found(name, order, form, dtype):
    cell = CELLS[name]
    knobs = setting({"hidden": 8}, form=form, dtype=dtype)
    recurrent.build(knobs, with_gates(cell, range(cell.gates))).check()
    with pytest.raises(AssertionError, match="off by"):
        recurrent.build(knobs, with_gates(cell, order)).check()


@FORMS
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_with_a_transposed_weight_is_found(name, form):
    cell = CELLS[name]

    def update(w_ih, w_hh, *rest):
        return cell.update(torch.cat([gate.T for gate in w_ih.chunk(cell.gates)]), w_hh, *rest)

    with pytest.raises(AssertionError, match="off by"):
        recurrent.build(setting({"hidden": 8}, form=form), replace(cell, update=update)).check()


def test_a_state_that_is_not_fed_back_is_found():
    cell = CELLS["rnn"]
    forgetful = replace(cell, update=lambda *taken: cell.update(*taken[:-1], torch.zeros_like(taken[-1])))
    with pytest.raises(AssertionError, match="off by"):
        recurrent.build(setting({"hidden": 8}), forgetful).check()


@FORMS
@pytest.mark.parametrize("dtype", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("weight", ["qkv", "down", "final_gain", "positions"])
def test_a_decoder_with_a_wrong_weight_is_found(weight, form, dtype, monkeypatch):
    model_of = torch_decode.model_of

    def broken(knobs, kernel):
        model = model_of(knobs, kernel)
        index = {"qkv": 1, "down": 5}.get(weight)
        spoilt = getattr(model, weight) if index is None else model.layers[1][index]
        spoilt.copy_(spoilt.flip(0) + (1 if weight == "final_gain" else 0))
        return model

    monkeypatch.setattr(torch_decode, "model_of", broken)
    with pytest.raises(AssertionError, match="decode:"):
        torch_decode.torch_decode.stepper(setting(DECODE, form=form, dtype=dtype)).check()


def test_a_decoder_that_is_not_fed_its_token_is_found(monkeypatch):
    decoding = torch_decode.decoding_at(setting(DECODE))
    stepper = torch_decode.serial(decoding)
    forward = torch_decode.forward
    first = decoding.first[:, None].clone()

    def stuck(model, tokens, at):
        return forward(model, first if tokens.shape[1] == 1 else tokens, at)

    monkeypatch.setattr(torch_decode, "forward", stuck)
    with pytest.raises(AssertionError, match="a chosen token's logit"):
        stepper.check()


@pytest.mark.parametrize("width", [1, 5, 19])
def test_decodes_the_tokens_of_the_native_kernel_and_further_lanes_those_of_the_first(width):
    found = torch_decode.decoded(torch_decode.decoding_at(setting(DECODE, width=width)), 7)
    kernel = Decode(Team([0]), 16, 2, 2, 32, 3, 7, width, 0)
    kernel.run(7)
    assert torch.equal(found[:16], torch.from_numpy(kernel.tokens()).long()[:16])
    assert torch.equal(found[16:], found[: max(0, width - 16)])


def test_scan_in_either_form_has_the_same_states():
    a, b = torch.rand(37, 2, 3, dtype=torch.float64), torch.randn(37, 2, 3, dtype=torch.float64)
    h, wanted = torch.zeros(2, 3, dtype=torch.float64), []
    for decay, value in zip(a, b, strict=True):
        h = decay * h + value
        wanted.append(h)
    torch.testing.assert_close(torch_scan.scan(a, b), torch.stack(wanted))


def test_a_scan_that_leaves_out_a_round_is_found(monkeypatch):
    monkeypatch.setattr(torch_scan, "scan", lambda a, b: b)
    with pytest.raises(AssertionError, match="off by"):
        torch_scan.torch_scan.stepper(setting({"channels": 5}, form="wide")).check()


def test_a_scan_with_other_decays_is_found(monkeypatch):
    coefficients = torch_scan.coefficients
    monkeypatch.setattr(
        torch_scan, "coefficients", lambda knobs: (coefficients(knobs)[0] * 0.99, coefficients(knobs)[1])
    )
    with pytest.raises(AssertionError, match="off by"):
        torch_scan.torch_scan.stepper(setting({"channels": 5})).check()


@FORMS
def test_another_rule_is_found(form, monkeypatch):
    monkeypatch.setattr(torch_ca, "generation", lambda rows: rows ^ rows.roll(1, -1))
    with pytest.raises(AssertionError, match="a cell differs"):
        torch_ca.torch_ca.stepper(setting({"cells": 192}, form=form)).check()


def test_a_ring_that_does_not_close_is_found(monkeypatch):
    generation = torch_ca.generation

    def open_ended(rows):
        return generation(torch.cat((rows, torch.zeros_like(rows[..., :1])), -1))[..., :-1]

    monkeypatch.setattr(torch_ca, "generation", open_ended)
    with pytest.raises(AssertionError, match="a cell differs"):
        torch_ca.torch_ca.stepper(setting({"cells": 192})).check()


def test_cells_that_do_not_fill_words_are_refused():
    with pytest.raises(ValueError, match="cells = 100 is no multiple of 64"):
        torch_ca.torch_ca.stepper(setting({"cells": 100}))


@FORMS
def test_a_wrong_denoiser_is_found(form, monkeypatch):
    denoised = torch_diffusion.denoised
    monkeypatch.setattr(torch_diffusion, "denoised", lambda x, level, mean, s: denoised(x, level, mean + 0.01, s))
    with pytest.raises(AssertionError, match="off by"):
        torch_diffusion.torch_diffusion.stepper(setting({"dim": 5}, form=form)).check()


def test_many_small_denoising_steps_follow_the_exact_flow():
    levels = torch_diffusion.levels(4000)
    x, mean, variance = (torch.tensor([value], dtype=torch.float64) for value in (50.0, 0.5, 0.25))
    for level, following in pairwise(levels):
        x = torch_diffusion.advanced(x, level, following, mean, variance)
    # the flow of a Gaussian: x - mu is proportional to sqrt(s^2 + sigma^2)
    exact = 0.5 + 49.5 * ((0.25 + 0.02**2) / (0.25 + 80.0**2)) ** 0.5
    assert x.item() == pytest.approx(exact, rel=2e-3)


@FORMS
def test_a_transposed_layer_is_found(form, monkeypatch):
    passed = torch_mlp.passed
    monkeypatch.setattr(torch_mlp, "passed", lambda layers, x: passed([layers[0].T, *layers[1:]], x))
    with pytest.raises(AssertionError, match="off by"):
        torch_mlp.torch_mlp.stepper(setting({"layers": 3, "units": 16}, form=form)).check()


def test_deep_and_shallow_take_as_many_flops():
    deep, shallow = (
        torch_mlp.work(setting({"layers": layers, "units": units})).flops.per_lane
        for layers, units in ((8, 256), (4, 362))
    )
    assert deep == pytest.approx(shallow, rel=2e-3)


def test_what_a_planted_step_is_made_of():
    planted = {"host": 10.0, "kernel": 20.0, "lane": 500.0, "join": "sum"}
    added = torch_planted.truth(setting(planted, width=80))
    assert (added.host, added.kernel, added.width) == pytest.approx((10e-6, 20e-6, 40e-6))
    assert (added.busy, added.step) == pytest.approx((60e-6, 70e-6))
    joined = torch_planted.truth(setting({**planted, "join": "max"}, width=80, device="cuda:0"))
    assert (joined.busy, joined.step) == pytest.approx((40e-6, 40e-6))
    assert torch_planted.truth(setting(planted, device="cuda:0", mode="graph")).host == 0
    assert torch_planted.planted_knee(setting(planted)) == 40


def test_a_planted_step_takes_no_less_than_its_kernel():
    import time

    stepper = torch_planted.torch_planted.stepper(
        setting({"host": 0.0, "kernel": 2000.0, "lane": 0.0, "join": "sum"}, depth=5)
    )
    began = time.perf_counter()
    stepper.run(5)
    assert time.perf_counter() - began >= 5 * 2e-3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"host": -1.0}, "host = -1.0 is no time"),
        ({"lane": "long"}, "lane = 'long'"),
        ({"join": "mean"}, "join = 'mean'"),
    ],
)
def test_a_plan_that_is_none_is_refused(changed, message):
    planted = {"host": 1.0, "kernel": 1.0, "lane": 1.0, "join": "sum", **changed}
    with pytest.raises(ValueError, match=message):
        torch_planted.torch_planted.stepper(setting(planted))


def test_no_number_and_lanes_that_differ_are_found():
    with pytest.raises(AssertionError, match="x is off by nan"):
        require_close("x", torch.tensor([float("nan")]), [0.0], 1.0)
    with pytest.raises(AssertionError, match="shape"):
        require_close("x", torch.zeros(2), [0.0], 1.0)
    require_repeats("x", torch.tensor([1.0, 2.0, 1.0]), 2, 0.0)
    with pytest.raises(AssertionError, match="repeats another"):
        require_repeats("x", torch.tensor([1.0, 2.0, 1.5]), 2, 0.1)
