# SPDX-License-Identifier: Apache-2.0
"""A gate beside a project's tests: the fixture and marker `serialprof_gate`, in every pytest that has serialprof.

    @pytest.mark.serialprof_gate(tolerance=0.02, mde=0.05)
    def test_step_is_no_slower(serialprof_gate):
        serialprof_gate("bench/steps.py:decode", width=4)

With `pytest --serialprof-base-python old/bin/python` the test fails where decode is slower here than there; without a
base it is skipped. Nothing but pytest is imported until a gate is asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from serialprof.gating.records import Benchmark, Outcome
    from serialprof.gating.running import Effort
    from serialprof.gating.sessions import GateSession

_NAME: Final = "serialprof_gate"
_NO_BASE: Final = (
    "no base to compare with: give --serialprof-base-python FILE, --serialprof-base-ref REF with --serialprof-install "
    "CMD, or --serialprof-baseline FILE"
)
_SESSION: pytest.StashKey[GateSession] = pytest.StashKey()
#: Property of a test's report: the verdict of its gate, which junit.xml shows too.
_VERDICT: Final = "serialprof-verdict"
_BROKEN: Final = ("error", "no baseline")
_CRITERIA: Final = ("tolerance", "mde", "least_seconds")


class GateWarning(UserWarning):
    """What a gate says that is no failure: an inconclusive verdict, a failure that is waived or advice."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plug-in's options, all of which begin with --serialprof."""
    group = parser.getgroup("serialprof", "serialprof: gates beside tests")
    for name, metavar, text in (
        ("base-python", "FILE", "interpreter of the base's environment, which has serialprof"),
        ("base-ref", "REF", "commit to compare with, such as origin/main"),
        ("install", "CMD", "with a base-ref: shell command that installs a checkout"),
        ("baseline", "FILE", "stored baseline to compare with (serialprof gate save)"),
        ("json", "FILE", "write all gates as one report"),
    ):
        group.addoption(f"--serialprof-{name}", metavar=metavar, default="", help=text)
    for name, text in (
        ("strict", "fail where a gate is inconclusive"),
        ("enforce", "with a baseline: slower fails, instead of a warning"),
        ("allow-dirty", "with a base-ref: gate changes that are not committed"),
    ):
        group.addoption(f"--serialprof-{name}", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Names the marker, and refuses options that do not go together before any test runs."""
    config.addinivalue_line(
        "markers",
        f"{_NAME}(tolerance, mde, least_seconds, metrics, budget, timeout, strict, ...): what counts as a regression "
        f"in the test's {_NAME}, as shares and seconds, and any of its knobs",
    )
    ways = [name for name in ("base-python", "base-ref", "baseline") if _option(config, name)]
    if len(ways) > 1:
        raise pytest.UsageError(f"--serialprof-{ways[0]} and --serialprof-{ways[1]} both name a base; give one of them")
    for name, other in (("install", "base-ref"), ("allow-dirty", "base-ref"), ("enforce", "baseline")):
        if _option(config, name) and not _option(config, other):
            raise pytest.UsageError(f"--serialprof-{name} goes with --serialprof-{other}")
    if path := _option(config, "json"):
        if not ways:
            raise pytest.UsageError(f"--serialprof-json: {_NO_BASE}")
        _check_creatable(Path(path))
    if ways:
        # Where a project turns warnings into errors, a gate that cannot tell would fail: that is what strict is for.
        config.addinivalue_line("filterwarnings", f"default::{GateWarning.__module__}.{GateWarning.__name__}")
        config.stash[_SESSION] = _opened(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Counts the gates that will come, since each has to hold its own beside all of them."""
    gates = session.config.stash.get(_SESSION, None)
    if gates is not None:
        gates.planned = {item.nodeid: _hypotheses(item) for item in session.items if _NAME in _fixtures(item)}


@pytest.fixture
def serialprof_gate(request: pytest.FixtureRequest) -> Callable[..., Outcome]:
    """Gates one benchmark against the base: `serialprof_gate(reference, **knobs)`, once in a test.

    Knobs are those of `serialprof.gating.records.Benchmark` (name, width, depth, threads, mode, dtype, device,
    parameters), tolerance, mde, least_seconds, budget and timeout (seconds) and strict; the marker gives their
    defaults, and alone may name further metrics. Where the head is slower the test fails; where nothing can be told it
    warns, or fails where strict; where a side does not run it is an error. Returns the outcome. Skipped without a base.
    """
    gates = request.config.stash.get(_SESSION, None)
    if gates is None:
        pytest.skip(_NO_BASE)
    if hasattr(request.config, "workerinput"):
        pytest.fail("gates time, so they must not run beside other tests: leave -n out, or give -n 0", pytrace=False)
    from serialprof.errors import SerialprofError

    try:
        _ = gates.sides
    except SerialprofError as error:
        pytest.fail(str(error), pytrace=False)
    marker = request.node.get_closest_marker(_NAME)
    marked = dict(marker.kwargs) if marker else {}

    def gate(reference: str, **knobs: Any) -> Outcome:
        if request.node.nodeid in gates.outcomes:
            pytest.fail(f"{_NAME} gates one benchmark a test: make it several tests", pytrace=False)
        if "metrics" in knobs:
            pytest.fail("metrics belong into the marker: gates are counted before the first one runs", pytrace=False)
        return _gated(gates, request.node, reference, {**marked, **knobs})

    return gate


def pytest_report_teststatus(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, str] | None:
    """A gate whose side does not run is an error, and no failure of what is tested."""
    properties = dict(getattr(report, "user_properties", ()))
    if report.failed and properties.get(_VERDICT) in _BROKEN:
        return "error", "E", "ERROR"
    return None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What the gates said, also of tests that passed."""
    gates = config.stash.get(_SESSION, None)
    if gates is not None and gates.outcomes:
        terminalreporter.section("serialprof gates")
        for outcome in gates.outcomes.values():
            terminalreporter.line(f"{outcome.verdict}: {outcome.sentence}")
        for text in gates.warnings:
            terminalreporter.line(f"warning: {text}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the report that was asked for; a gate that was collected and did not run is in it by name."""
    gates, path = session.config.stash.get(_SESSION, None), _option(session.config, "json")
    if gates is None or not path or hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    from importlib.metadata import entry_points

    from serialprof.errors import SerialprofError
    from serialprof.files import write_new

    render = next(entry for entry in entry_points(group="serialprof.gates") if entry.name == "json").load()
    try:
        write_new(Path(path), render(gates.report(("pytest", *map(str, session.config.invocation_params.args)))))
    except SerialprofError as error:
        session.config.get_terminal_writer().line(f"--serialprof-json: {error}", red=True)
        session.exitstatus = pytest.ExitCode.USAGE_ERROR


def _option(config: pytest.Config, name: str) -> Any:
    return config.getoption(f"--serialprof-{name}")


def _opened(config: pytest.Config) -> GateSession:
    from serialprof.gating.sessions import BaseOptions, GateSession
    from serialprof.preparation import look_at_machine

    baseline = _option(config, "baseline")
    options = BaseOptions(
        python=_option(config, "base-python"),
        ref=_option(config, "base-ref"),
        install=_option(config, "install"),
        allow_dirty=_option(config, "allow-dirty"),
        baseline=Path(baseline) if baseline else None,
        enforce=_option(config, "enforce"),
    )
    return GateSession(options, look_at_machine, config.rootpath, strict=_option(config, "strict"))


def _check_creatable(path: Path) -> None:
    from serialprof.errors import StoreError
    from serialprof.files import check_creatable

    try:
        check_creatable(path)
    except StoreError as error:
        raise pytest.UsageError(f"--serialprof-json: {error}") from None


def _fixtures(item: pytest.Item) -> tuple[str, ...]:
    return tuple(getattr(item, "fixturenames", ()))


def _hypotheses(item: pytest.Item) -> int:
    """The time of a step, and every further metric that the marker names."""
    marker = item.get_closest_marker(_NAME)
    return len({"step", *(marker.kwargs.get("metrics", ()) if marker else ())})


def _gated(gates: GateSession, node: pytest.Item, reference: str, knobs: dict[str, Any]) -> Outcome:
    """One gate, and what its verdict means for the test."""
    from serialprof.errors import SerialprofError

    strict = knobs.pop("strict", gates.strict)
    try:
        outcome = gates.gate(node.nodeid, *_benchmark(gates, reference, knobs))
    except SerialprofError as error:
        node.user_properties.append((_VERDICT, "error"))
        pytest.fail(str(error), pytrace=False)
    node.user_properties.append((_VERDICT, outcome.verdict))
    if outcome.verdict in _BROKEN or (strict and outcome.verdict == "inconclusive"):
        pytest.fail(outcome.sentence, pytrace=False)
    excuse = outcome.waiver or gates.advisory
    if outcome.verdict == "fail" and not excuse:
        pytest.fail(outcome.sentence, pytrace=False)
    if outcome.verdict != "pass":
        warnings.warn(f"{outcome.sentence}; {excuse}".removesuffix("; "), GateWarning, stacklevel=3)
    return outcome


def _benchmark(gates: GateSession, reference: str, knobs: dict[str, Any]) -> tuple[Benchmark, Effort]:
    """The benchmark of a call, by the criteria of the configuration where it names none, and how far its gate goes.

    Raises:
        UsageError: there is no such knob or metric, or the criteria leave no room.
    """
    from dataclasses import fields, replace

    from serialprof.errors import UsageError
    from serialprof.gating.configuration import checked, default_name
    from serialprof.gating.contestants import check_timeout
    from serialprof.gating.records import METRIC_NAMES, Benchmark
    from serialprof.gating.running import Effort

    own = {item.name for item in fields(Benchmark)} - {"reference", "criteria"}
    efforts = {"budget", "timeout"}
    known = {*own, *_CRITERIA, *efforts}
    unknown = sorted({*knobs} - known)
    if unknown:
        raise UsageError(f"{_NAME} has no knob {unknown[0]!r}", f"choose from {', '.join(sorted(known))}")
    check_timeout(knobs.get("timeout", 0.0))
    strange = sorted({*knobs.get("metrics", ())} - {*METRIC_NAMES})
    if strange:
        raise UsageError(f"there is no metric {strange[0]!r}", f"choose from {', '.join(METRIC_NAMES)}")
    criteria = replace(gates.configuration.criteria, **{name: knobs[name] for name in _CRITERIA if name in knobs})
    given = {"name": default_name(reference), **{name: knobs[name] for name in own if name in knobs}}
    benchmark = Benchmark(reference=reference, criteria=checked(criteria), **given)
    return benchmark, Effort(**{name: knobs[name] for name in efforts & knobs.keys()})
