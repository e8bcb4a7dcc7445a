# SPDX-License-Identifier: Apache-2.0
"""`run --device`: what is refused before anything is measured, and what is planned."""

import json
from pathlib import Path

import pytest

from serialprof.store import read_run
from tests.cli.calling import called

TOYS = """
import serialprof

def declared(setting):
    footprint = serialprof.Affine(0, 2e6)
    return serialprof.Work(1, serialprof.Affine(0, 1), footprint, footprint, serialprof.Affine(0, 1))

@serialprof.workload(
    widths=[4**power for power in range(12)], default_depth=4, modes=("eager", "compile", "graph"),
    devices=("cpu", "cuda"), dtypes=("fp32", "bf16"), open_ended=True, work=declared,
)
def wide(setting):
    return lambda: sum(range(100))

@serialprof.workload(widths=(1, 2, 4, 8), default_depth=4)
def starved(setting):
    if setting.width > 2:
        raise MemoryError
    return lambda: sum(range(100 * setting.width))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "toys.py").write_text(TOYS)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--device", "gpu", "toys.py:wide"), "--device 'gpu': no such device; write cpu, cuda, or cuda:1"),
        (("--dtype", "fp8", "toys.py:wide"), "--dtype 'fp8': no such element type; choose from fp32, bf16, fp16"),
        (("--dtype", "fp32,", "toys.py:wide"), "--dtype 'fp32,' holds an empty word"),
        (("--dtype", "fp16", "toys.py:wide"), "wide has no element type fp16; it offers fp32 and bf16"),
        (("--device", "cuda", "chain"), "chain does not run on device cuda:0; it runs on cpu"),
        (("--device", "cuda", "--threads", "2", "toys.py:wide"), "--threads does not go with --device cuda:0"),
        (("--mode", "graph", "toys.py:wide"), "mode graph needs a CUDA device; add --device cuda"),
        (("--device", "cuda", "--", "true"), "--device does not go with a command"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(folder: Path, arguments: tuple[str, ...], complaint: str) -> None:
    done = called("run", *arguments, cwd=folder)
    assert done.returncode == 2
    assert complaint in " ".join(done.stderr.split())
    assert sorted(path.name for path in folder.iterdir() if path.suffix != "") == ["toys.py"]


def test_a_device_that_is_not_there_ends_3_before_anything_is_sampled(folder: Path) -> None:
    """With torch or without, no device is visible to this process."""
    done = called("run", "--device", "cuda", "toys.py:wide", cwd=folder, CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("\n") == 1 and ("CUDA" in done.stderr or "torch" in done.stderr)
    assert not list(folder.glob("*.serialprof"))


def test_an_open_ended_sweep_is_planned_as_far_as_the_host_reaches(folder: Path) -> None:
    done = called("run", "--dry-run", "--json", "--threads", "1", "toys.py:wide", cwd=folder)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)["plan"]
    widths = [point["setting"]["width"] for point in plan["points"]]
    assert widths == [4**power for power in range(len(widths))] and 1 < len(widths) < 12
    assert plan["open_ended"] == ["toys.py:wide"]
    asked = called("run", "--dry-run", "--threads", "1", "--width", str(4**11), "toys.py:wide", cwd=folder)
    assert asked.returncode == 2
    assert "wide at width 4194304 would touch 7.63 TiB of memory" in asked.stderr


def test_every_element_type_is_a_row_of_the_plan_once(folder: Path) -> None:
    arguments = ("--dtype", "bf16,fp32,bf16", "--mode", "eager,eager", "--width", "1", "--threads", "1")
    done = called("run", "--dry-run", "--json", *arguments, "toys.py:wide", cwd=folder)
    assert done.returncode == 0, done.stderr
    settings = [point["setting"] for point in json.loads(done.stdout)["plan"]["points"]]
    assert [(each["dtype"], each["device"], each["mode"]) for each in settings] == [
        ("bf16", "cpu", "eager"),
        ("fp32", "cpu", "eager"),
    ]


def test_a_dry_run_says_on_what_and_where_it_ends(folder: Path) -> None:
    arguments = ("--threads", "1", "--mode", "eager", "--dtype", "fp32,bf16", "toys.py:wide")
    done = called("run", "--dry-run", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "  on cpu; modes eager; fp32, bf16",
        "  it ends before the widest where memory does, or one octave past the knee",
    ]


def test_a_dry_run_names_the_one_mode_that_was_asked_for(folder: Path) -> None:
    done = called("run", "--dry-run", "--threads", "1", "--mode", "compile", "toys.py:wide", cwd=folder)
    assert "  on cpu; modes compile; fp32" in done.stdout.splitlines()
    plain = called("run", "--dry-run", "--threads", "1", "toys.py:wide", cwd=folder)
    assert "modes" not in plain.stdout


def test_where_memory_ends_a_sweep_a_run_ends_well_and_says_so(folder: Path) -> None:
    arguments = ("--quick", "--budget", "1s", "--threads", "1", "--no-stand-ins", "-o", "a.serialprof")
    done = called("run", *arguments, "toys.py:starved", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stderr
    run = read_run(folder / "a.serialprof")
    ended = [(run.point(each.point).setting.width, each.reason) for each in run.visits if each.status == "ended"]
    assert ended == [(4, "out of memory"), (8, "out of memory")]
    assert {run.point(each.point).setting.width for each in run.visits if each.status == "ok"} == {1, 2}
    assert run.devices == () == run.dissections, "torch drives nothing here"
