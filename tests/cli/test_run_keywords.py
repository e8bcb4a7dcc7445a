# SPDX-License-Identifier: Apache-2.0
"""serialprof.run takes what `serialprof run` takes: the same options, defaults and complaints."""

import inspect
from pathlib import Path
from typing import Any, Final

import pytest

import serialprof
from serialprof import calling
from serialprof.asking import request_of
from serialprof.cli.run import command
from serialprof.errors import SerialprofError
from serialprof.planning import Request
from tests.cli.calling import called

#: Options whose keyword has another name; those that begin with "no_" are the keyword's opposite.
NAMES: Final = {"file": "output", "no_meter": "meter", "no_stand_ins": "stand_ins"}
#: Options about what is printed and written beside the run file, and what Python has in their place.
ELSEWHERE: Final = {"as_json": serialprof.Run.render, "no_html": serialprof.Run.render, "dry_run": serialprof.plan}


def keywords() -> dict[str, Any]:
    return {name: item.default for name, item in inspect.signature(serialprof.run).parameters.items()}


def options() -> dict[str, Any]:
    """Default by keyword of every option of the command."""
    defaults = command.make_context("run", []).params
    assert set(ELSEWHERE) < set(defaults)
    return {
        NAMES.get(name, name): not default if name.startswith("no_") else default
        for name, default in defaults.items()
        if name not in ELSEWHERE
    }


def test_every_option_has_its_keyword_and_every_keyword_its_option() -> None:
    assert set(keywords()) == {*options(), "program"}  # which stands after -- on the command line


def test_they_have_the_same_defaults() -> None:
    assert {name: default or None for name, default in options().items()} == {
        name: default or None for name, default in keywords().items() if name != "program"
    }


def asked(**given: Any) -> Request:
    bound = inspect.signature(serialprof.run).bind(**given)
    bound.apply_defaults()
    return request_of(bound.arguments)


def test_without_any_they_ask_for_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert requested(monkeypatch, tmp_path, []) == asked()


EVERYTHING: Final[list[tuple[list[str], dict[str, Any]]]] = [
    (["lstm", "life"], {"workloads": ["lstm", "life"]}),
    (["lstm"], {"workloads": "lstm"}),
    (["--quick", "--turbo", "--clock", "all"], {"quick": True, "turbo": True, "clock": "all"}),
    (["--width", "4,1,64Ki"], {"widths": "4,1,64Ki"}),
    (["--width", "4,1,64Ki"], {"widths": [65536, 4, 1, 1]}),
    (["--threads", "2"], {"threads": 2}),
    (["--mode", "eager,graph", "--device", "cuda"], {"modes": ["eager", "graph"], "device": "cuda"}),
    (["--dtype", "bf16"], {"dtypes": "bf16"}),
    (["--depth", "7", "--seed", "3"], {"depth": 7, "seed": 3}),
    (["--param", "hidden=64", "--param", "kind=x"], {"parameters": {"hidden": 64, "kind": "x"}}),
    (["--budget", "2m", "--precision", "5%"], {"budget": "2m", "precision": "5%"}),
    (["--budget", "2m", "--precision", "5%"], {"budget": 120, "precision": 0.05}),
    (["--no-meter", "--no-stand-ins"], {"meter": False, "stand_ins": False}),
    (["--dilate", "--gpu-clock", "1410MHz"], {"dilate": True, "gpu_clock": "1410MHz"}),
    (["--", "./sim", "{depth}"], {"program": ["./sim", "{depth}"]}),
]


@pytest.mark.parametrize(("line", "given"), EVERYTHING)
def test_the_same_words_ask_for_the_same(
    line: list[str], given: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert requested(monkeypatch, tmp_path, line) == asked(**given)


REFUSED: Final[list[tuple[list[str], dict[str, Any]]]] = [
    (["--width", "0"], {"widths": "0"}),
    (["--mode", "eager,,graph"], {"modes": "eager,,graph"}),
    (["--budget", "never"], {"budget": "never"}),
    (["--precision", "200%"], {"precision": "200%"}),
    (["--dtype", "fp8"], {"dtypes": "fp8"}),
    (["--device", "tpu"], {"device": "tpu"}),
    (["--device", "cuda", "--threads", "2"], {"device": "cuda", "threads": [2]}),
    (["--turbo"], {"turbo": True}),
    (["--clock", "all", "--no-meter"], {"clock": "all", "meter": False}),
    (["--dilate", "--no-stand-ins"], {"dilate": True, "stand_ins": False}),
    (["--force"], {"force": True}),
    (["lsmt"], {"workloads": "lsmt"}),
    (["nowhere.py:f"], {"workloads": "nowhere.py:f"}),
    (["lstm", "--", "true"], {"workloads": "lstm", "program": ["true"]}),
    (["--mode", "eager", "--", "true"], {"modes": "eager", "program": ["true"]}),
    (["--width", "1,2", "--", "true"], {"widths": [1, 2], "program": ["true"]}),
    (["--resume", "nowhere.serialprof"], {"resume": "nowhere.serialprof"}),
    (["lstm", "--param", "hiden=1"], {"workloads": "lstm", "parameters": {"hiden": 1}}),
]


@pytest.mark.parametrize(("line", "given"), REFUSED)
def test_what_is_refused_is_refused_in_the_same_words(
    line: list[str], given: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SerialprofError) as caught:
        serialprof.run(**given)
    assert caught.value.message in called("run", *line, cwd=tmp_path).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"widths": [1.5]}, r"--width \[1.5\] holds something that is no whole number"),
        ({"widths": []}, "--width holds a count below 1, or none"),
        ({"depth": "many"}, "--depth 'many': no whole number"),
        ({"seed": -1}, "--seed -1: no whole number from 0"),
        ({"budget": [1]}, r"--budget \[1\]: no number"),
        ({"parameters": {"hidden": float("nan")}}, "'hidden=nan' is no finite number"),
        ({"workloads": 7}, "a int is no workload"),
        ({"workloads": [None]}, "a NoneType is no workload"),
    ],
)
def test_values_that_only_python_can_write_are_refused_too(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SerialprofError, match=complaint):
        asked(**given)


def test_beside_a_run_that_is_resumed_nothing_else_is_taken(tmp_path: Path) -> None:
    with pytest.raises(SerialprofError, match="goes on with the plan of its file, so widths cannot be given"):
        serialprof.run(resume=tmp_path / "a.serialprof", widths=[1])


def requested(monkeypatch: pytest.MonkeyPatch, folder: Path, line: list[str]) -> Request:
    """What the command line asks for."""
    found: list[Request] = []

    def prepare(request: Request, **_: object) -> None:
        found.append(request)
        raise SerialprofError("enough")

    monkeypatch.setattr("serialprof.preparation.prepare", prepare)
    called("run", *line, cwd=folder)
    return found[0]


def test_a_plan_is_drawn_with_the_same_keywords_and_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = serialprof.plan("chain", widths=[1, 4], threads=1, budget="3s", seed=5)
    assert {point.setting.width for point in plan.points} == {1, 4}
    assert (plan.budget, plan.seed) == (3.0, 5)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TypeError, match="weights"):
        calling.plan("chain", weights=[1])
