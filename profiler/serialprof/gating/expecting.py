# SPDX-License-Identifier: Apache-2.0
"""The expected set: what the base expects has to be in the head, and a failure may be waived for a while."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from serialprof.gating.configuration import Configuration, Waiver
from serialprof.gating.records import Outcome
from serialprof.gating.telling import error_sentence


def missing(base: Configuration, head: Configuration) -> tuple[Outcome, ...]:
    """An error for every benchmark that the base expects and the head neither lists nor says to have removed."""
    known = {benchmark.name for benchmark in head.benchmarks} | set(head.removed)
    return tuple(
        Outcome(
            benchmark,
            "error",
            error_sentence(
                benchmark,
                "the base expects it, and the head does not list it; put it back, or name it under `removed`",
            ),
        )
        for benchmark in base.benchmarks
        if benchmark.name not in known
    )


def waived(outcomes: Iterable[Outcome], waivers: Sequence[Waiver], today: date) -> tuple[Outcome, ...]:
    """The outcomes, failures with what their waiver says of them."""
    return tuple(_waived(outcome, waivers, today) for outcome in outcomes)


def _waived(outcome: Outcome, waivers: Sequence[Waiver], today: date) -> Outcome:
    waiver = next((item for item in waivers if item.benchmark == outcome.benchmark.name), None)
    if outcome.verdict != "fail" or waiver is None or outcome.judgement is None:
        return outcome
    failed = [item for item in outcome.judgements.values() if item.verdict == "fail"]
    slower = max((item.ratio.value or 1.0) - 1 for item in (failed or [outcome.judgement]))
    if today > waiver.expires:
        return replace(outcome, sentence=f"{outcome.sentence}; its waiver expired on {waiver.expires.isoformat()}")
    if slower > waiver.ceiling:
        return replace(outcome, sentence=f"{outcome.sentence}; its waiver ends at {100 * waiver.ceiling:.3g} %")
    return replace(outcome, waiver=f"waived until {waiver.expires.isoformat()}: {waiver.reason}")
