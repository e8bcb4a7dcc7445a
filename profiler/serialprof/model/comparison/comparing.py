# SPDX-License-Identifier: Apache-2.0
"""Stored runs against one another: a pure function of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from string import ascii_uppercase
from typing import Final

from serialprof.catalog import Description
from serialprof.errors import UsageError
from serialprof.estimate import Estimate
from serialprof.model.comparison import levers
from serialprof.model.comparison.beside import beside, devices
from serialprof.model.comparison.costing import Prices, for_the_money, step_cost
from serialprof.model.comparison.decomposing import Joint, factors, steps_ratio
from serialprof.model.comparison.differing import mismatches, warnings
from serialprof.model.comparison.pairing import Measured, measured
from serialprof.model.comparison.records import (
    Comparison,
    FamilyRatios,
    Kind,
    Lever,
    Pair,
    Place,
    PointRatio,
    Pooled,
    Side,
)
from serialprof.model.comparison.telling import verdict
from serialprof.model.dissected import DeviceAnalysis
from serialprof.model.examination import Examined, examine
from serialprof.planning import Family
from serialprof.question import Cost
from serialprof.setting import FORMS
from serialprof.store import StoredRun

_MOST_RUNS: Final = len(ascii_uppercase)


@dataclass(frozen=True)
class _Known:
    """A run with what is made of it once for all its pairs."""

    side: Side
    run: StoredRun
    measured: Mapping[Place, Measured]
    families: tuple[Examined, ...]
    devices: Mapping[Family, DeviceAnalysis]
    levers: Mapping[Family, Mapping[Lever, Estimate]] = field(default_factory=dict)


def compare(
    runs: Sequence[StoredRun], names: Sequence[str], prices: Sequence[Cost] = (), *, fitted: bool = False
) -> Comparison:
    """Every run against the first.

    Nothing is compared but points that both measured. Runs are independent, and blocks are the units of each.

    Args:
        runs: two at least, in the order in which they are told.
        names: of their files.
        prices: of an hour of their machines, in the same order; none at all, or one for every run.
        fitted: whether to fit every run, which takes a second or two, and tell how it follows clock and threads.

    Raises:
        UsageError: fewer than two or too many runs, or not as many prices; or one run shares no measured point with
            the first.
    """
    if not 2 <= len(runs) <= _MOST_RUNS:
        raise UsageError(f"{len(runs)} run{'s' if len(runs) != 1 else ''} given", f"name 2 to {_MOST_RUNS} run files")
    if prices and len(prices) != len(runs):
        told = f"{len(prices)} price{'s' if len(prices) != 1 else ''} given for {len(runs)} runs"
        raise UsageError(told, "give --price once for every run, in their order")
    each_price: Sequence[Cost | None] = prices or [None] * len(runs)
    known = [_know(*each) for each in zip(ascii_uppercase, runs, names, each_price, strict=False)]
    for other in known[1:]:
        _check(known[0], other)
    if fitted:
        known = [replace(item, levers=levers.levers(item.families)) for item in known]
    return Comparison(tuple(item.side for item in known), tuple(_pair(known[0], other) for other in known[1:]))


def _know(label: str, run: StoredRun, name: str, price: Cost | None) -> _Known:
    machine = run.machine
    readings = [clock for visit in run.visits if (clock := visit.clock) is not None]
    families = examine(run)
    found = measured(run, [item.times for item in families])
    side = Side(
        label=label,
        name=name,
        run_id=run.run_id,
        started=run.started,
        host=machine.host,
        processor=machine.processor or machine.architecture,
        hypervisor=machine.hypervisor,
        gpus=tuple(gpu.name for gpu in machine.gpus),
        cpus=machine.usable,
        cores=machine.cores,
        clock=median(readings) if readings else None,
        points=len(found),
        price=price,
    )
    return _Known(side, run, found, families, devices(run, families))


def _check(first: _Known, second: _Known) -> None:
    """Raises a UsageError where two runs share nothing, with the nearest that they have."""
    if first.measured.keys() & second.measured.keys():
        return
    names = f"{first.side.name} and {second.side.name}"
    for item in (first, second):
        if not item.measured:
            raise UsageError(f"{item.side.name} measured no point, so there is nothing to compare", "give another run")
    workloads = [{place.family.workload for place in item.measured} for item in (first, second)]
    if not workloads[0] & workloads[1]:
        one, other = (", ".join(sorted(each)) for each in workloads)
        raise UsageError(f"{names} share no workload ({one}; {other})", "run the same workloads on both")
    raise UsageError(
        f"{names} share workloads, but no point with the same parameters, mode, device, element type, depth, width and "
        "threads",
        "run both with the same options",
    )


def _pair(first: _Known, second: _Known) -> Pair:
    shared = [place for place in first.measured if place in second.measured]
    ours, theirs = ({place: item.measured[place] for place in shared} for item in (first, second))
    kinds = tuple(_kinds(first, second, shared))
    labels = (first.side.label, second.side.label)
    return Pair(
        first=labels[0],
        second=labels[1],
        verdict=verdict(kinds, *labels),
        mismatches=mismatches(first.run, second.run, ours, theirs),
        warnings=tuple(warnings(first.run, second.run, labels)),
        shared=len(shared),
        first_only=len(first.measured) - len(shared),
        second_only=len(second.measured) - len(shared),
        kinds=kinds,
        families=tuple(_families(first, second, shared)),
    )


def _kinds(first: _Known, second: _Known, shared: Sequence[Place]) -> Iterator[Kind]:
    by_device: dict[str, list[Place]] = defaultdict(list)
    for place in shared:
        by_device[place.family.device].append(place)
    for device, places in by_device.items():
        yield Kind(device, tuple(_pooled(first, second, places)))


def _families(first: _Known, second: _Known, shared: Sequence[Place]) -> Iterator[FamilyRatios]:
    by_family: dict[Family, list[Place]] = defaultdict(list)
    for place in shared:
        by_family[place.family].append(place)
    for family, places in by_family.items():
        places.sort(key=lambda place: (FORMS.index(place.form), place.threads, place.width, place.depth))
        yield FamilyRatios(
            family=family,
            name=_name(first.run, family),
            points=tuple(_point(first, second, place) for place in places),
            pooled=tuple(_pooled(first, second, places)),
            device=beside(first.devices.get(family), second.devices.get(family)),
            levers=levers.beside(first.levers.get(family), second.levers.get(family)),
        )


def _point(first: _Known, second: _Known, place: Place) -> PointRatio:
    ratio = steps_ratio(_joint(first, second, [place]))
    assert ratio is not None  # both have a step time
    told, (ours, theirs) = ratio.estimate(), (item.measured[place].summary.step for item in (first, second))
    prices = _prices(first, second)
    cost = None if prices is None else step_cost(ours, theirs, told, place.threads, prices)
    return PointRatio(place, ours, theirs, told, cost)


def _pooled(first: _Known, second: _Known, places: Sequence[Place]) -> Iterator[Pooled]:
    """The geometric mean per form; that of the serial form taken apart."""
    for form in FORMS:
        chosen = [place for place in places if place.form == form]
        joint = _joint(first, second, chosen)
        ratio = steps_ratio(joint) if chosen else None
        if ratio is not None:
            parts = factors(joint, ratio) if form == "serial" else ()
            told, prices = ratio.estimate(), _prices(first, second)
            cost = None if prices is None else for_the_money(told, [place.threads for place in chosen], prices)
            yield Pooled(form, len(chosen), told, parts, cost)


def _prices(first: _Known, second: _Known) -> Prices | None:
    """Of both machines, None where none were given."""
    ours, theirs = first.side.price, second.side.price
    return None if ours is None or theirs is None else (ours, theirs)


def _joint(first: _Known, second: _Known, places: Sequence[Place]) -> Joint:
    sides = [tuple(item.measured[place] for place in places) for item in (first, second)]
    return Joint(sides[0], sides[1], (first.run.limits, second.run.limits))


def _name(run: StoredRun, family: Family) -> str:
    """The workload, with what differs from its defaults: "decode hidden=512, eager"."""
    described = (item for item in run.plan.descriptions if item.reference == family.workload)
    description = next(described, Description(reference=family.workload, name=family.workload))
    defaults = {name: str(value) for name, value in description.parameters.items()}
    extras = [f"{name}={value}" for name, value in family.parameters if defaults.get(name) != value]
    extras += [family.mode] if family.mode not in description.modes[:1] else []
    extras += [name for name, usual in ((family.device, "cpu"), (family.dtype, "fp32")) if name != usual]
    return " ".join([description.name, ", ".join(extras)]).strip()
