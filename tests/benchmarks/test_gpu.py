# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from benchmarks.gpu import apart
from benchmarks.gpu_tools.overhead import compared
from benchmarks.gpu_tools.plants import PLANTS, Plant, planted, scores_of
from benchmarks.gpu_tools.scoring import KNEE, OVERHEAD, PART, at_most, knee, launching, line, part
from serialprof.estimate import Estimate
from serialprof.model.answers import Part
from serialprof.model.dissected import FLOOR, FLOP, HOST, UNTOLD, DeviceStep

WIDTHS = (1, 2, 4, 8, 64)


def test_a_part_is_met_within_a_tenth_of_the_truth_on_either_side() -> None:
    assert part("case", "host", 1e-4, 1.09e-4, 2e-4).error == pytest.approx(0.09)
    assert part("case", "host", 1e-5, 3e-5, 1e-3).error == pytest.approx(0.1), "a small part, of a fifth of the step"
    assert part("case", "host", 0.0, 3e-5, 1e-3).error == pytest.approx(0.15), "as one that is not there"
    assert PART == 0.1
    assert [part("case", "host", 1e-4, value * 1e-4, 2e-4).met for value in (0.89, 0.91, 1.0, 1.09, 1.11)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert not part("case", "host", 1e-4, None, 2e-4, "no dissection").met


def test_a_knee_is_judged_in_steps_of_the_sweep() -> None:
    assert KNEE == 1
    errors = [knee("case", 2.0, value, WIDTHS).error for value in (0.5, 1, 2, 4, 8, 64, 512)]
    assert errors == pytest.approx([-2, -1, 0, 1, 2, 3, 4])
    assert knee("case", 2.0, 2 * 2**0.5, WIDTHS).error == pytest.approx(0.5)
    assert knee("case", 8 * 8**0.5, 64, WIDTHS).error == pytest.approx(0.5), "a step is as wide as it is there"
    assert not knee("case", 2.0, None, WIDTHS, "beyond the sweep").met
    assert knee("case", 2.0, 3.9, WIDTHS).met and not knee("case", 2.0, 4.1, WIDTHS).met


def test_a_share_is_met_up_to_its_goal() -> None:
    assert at_most("case", "overhead", 0.019, OVERHEAD).met
    assert not at_most("case", "overhead", 0.021, OVERHEAD).met
    assert not at_most("case", "unattributed", -0.5, 0.1).met, "parts that are half again the step account for nothing"
    assert not at_most("case", "overhead", None, OVERHEAD).met


def test_what_of_a_critical_path_is_launching() -> None:
    shares = {"cpu_bound": 30.0, "gpu_kernel_launch_overhead": 5.0, "gpu_kernel_kernel_overhead": 15.0}
    assert launching({**shares, "gpu_compute_bound": 50.0}) == 0.5
    assert launching({"gpu_compute_bound": 99.0}) == 0


def test_a_row_tells_truth_what_was_found_and_why_not() -> None:
    assert (
        "100.0 us" in line(part("a", "host", 1e-4, 1.02e-4, 2e-4))
        and line(part("a", "host", 1e-4, 1.02e-4, 2e-4))[-3:] == "met"
    )
    assert line(part("a", "host", 1e-4, None, 2e-4, "no dissection")).endswith("MISSED: no dissection")
    assert "+1.50" in line(knee("a", 2.0, 2.0 * 2**1.5, (1, 2, 4, 8))) and "0.50%" in line(
        at_most("a", "b", 5e-3, 0.02)
    )


def test_being_sampled_is_compared_pair_by_pair() -> None:
    drift = count()  # both grow from call to call; the ratio of neighbours hardly does
    found = compared(lambda: 1.05 * (1000 + next(drift)), lambda: 1000.0 + next(drift), 5)
    assert found.extra == pytest.approx(0.05, abs=2e-3)
    assert found.half_width < 2e-3
    assert found.sampled / found.bare == pytest.approx(1.05, abs=2e-3)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_what_is_planted_adds_up_to_the_step(plant: Plant, device: str) -> None:
    for width in (1, 64, 4096):
        told = plant.truth(width, device)
        assert sum(planted(told).values()) == pytest.approx(told.step)
        assert min(planted(told).values()) >= 0


def test_the_knee_is_where_lanes_take_as_long_as_the_rest() -> None:
    both, host, *_, beside = PLANTS
    knees = [plant.knee(device) for plant in (both, host) for device in ("cpu", "cuda:0")]
    assert knees == pytest.approx([250, 150, 300, 250]), "on a GPU the host works beside the kernel"
    assert beside.knee("cuda:0") == pytest.approx(250)
    told = planted(beside.truth(512, "cpu"))
    assert told == {"host": pytest.approx(40e-6), "kernel": 0, "batch": pytest.approx(2048e-6)}
    assert planted(host.truth(16, "cuda:0"))["host"] == pytest.approx(1000e-6 - 264e-6), "what the kernel does not hide"


def test_parts_are_compared_with_the_step_as_sampled_without_what_is_unattributed() -> None:
    seconds = {HOST: 0.2, FLOOR: 0.5, UNTOLD: 9.0}
    parts = tuple(Part(cause, Estimate(value), Estimate(value)) for cause, value in seconds.items())
    step = DeviceStep(
        1,
        Estimate(1.0),
        (*parts, Part(FLOP, Estimate.unknown(""), Estimate.unknown(""))),
        Estimate(1.0),
        Estimate(0.0),
        5,
    )
    assert apart(step, 1.0) == pytest.approx(-0.3)
    assert apart(step, None) is None
    bracket = Part(FLOP, Estimate(None, 0.1, 0.3), Estimate(None, 0.1, 0.3))
    assert apart(replace(step, parts=(*parts, bracket)), 1.0) == pytest.approx(-0.1)


def test_batches_without_parts_count_as_missed() -> None:
    (host, *_) = (plant for plant in PLANTS if plant.name == "host")
    scores = list(scores_of(host, None, "cpu", (16, 32)))
    assert [score.case for score in scores if score.name == "kernel"] == ["host, batch 16", "host, batch 32"]
    assert len(scores) == 7 and not any(score.met for score in scores)
    assert {score.reason for score in scores} == {"no step was dissected"}


def test_the_documentation_tells_the_goals_that_the_record_met() -> None:
    root = Path(__file__).parents[2]
    recorded = json.loads((root / "benchmarks/results/gpu-cpu-amd-epyc-2-cores.json").read_text())["result"]
    told = (root / "docs/gpu.md").read_text()
    names = {name: name for name in ("kernel", "batch", "host", "knee")}
    names["parts - sample"] = "parts of the transformers model, added up, against its step as sampled"
    for name, words in names.items():
        met = [score["met"] for score in recorded["scores"] if score["name"] == name]
        assert f"| {words} | {sum(met)} of {len(met)} |" in told
    cost = recorded["overhead"]
    assert f"{cost['extra']:.1%} +- {cost['half_width']:.1%}".replace("%", " %") in told
    missed = [item for item in recorded["scores"] if item["name"] == "host" and not item["met"]]
    assert all(item["found"] > item["truth"] for item in missed)
