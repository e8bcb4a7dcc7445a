# SPDX-License-Identifier: Apache-2.0
"""From what the native recorder holds to records: ticks become seconds, and the threads' loops of one name one."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from serialprof.live.records import Block, Device, Loop, Losses, Place, Spread, Step

#: As in native/livespread.hpp.
_BUCKET_BITS: Final = 6
#: Single steps that are kept of a loop, and slow ones, over all threads.
MOST_KEPT: Final = 1024
MOST_SLOW: Final = 64


@dataclass(frozen=True, slots=True)
class Clock:
    """Converts ticks: where the recording began, and the seconds of a tick."""

    origin: int
    second: float

    def since(self, ticks: int) -> float:
        """Seconds since the recording began."""
        return (ticks - self.origin) * self.second


def bucket(index: int) -> tuple[int, int]:
    """Lower end and width in ticks of a bucket of native/livespread.hpp."""
    size = 1 << _BUCKET_BITS
    if index < size:
        return index, 1
    shift = (index >> _BUCKET_BITS) - 1
    return (size + index % size) << shift, 1 << shift


def collected(
    taken: Mapping[str, Any], clock: Clock, devices: Mapping[str, Device]
) -> tuple[tuple[Loop, ...], tuple[Place, ...], Losses]:
    """Loops, regions outside steps, and losses of what `_native.live_taken` returned.

    Args:
        taken: what it returned.
        clock: of the recording.
        devices: what is known of device times, by name of loop.
    """
    names: Sequence[str] = taken["names"]
    by_name: defaultdict[str, list[tuple[int, Mapping[str, Any]]]] = defaultdict(list)
    for lane, held in enumerate(taken["lanes"]):
        for loop in held["loops"]:
            if loop["seen"] or loop["cut"] or loop["left_out"]:
                by_name[names[loop["name"]]].append((lane, loop))
    loops = tuple(
        _Union(name, parts, names, frozenset(by_name), clock).loop(devices.get(name, Device()))
        for name, parts in sorted(by_name.items())
    )
    outside = [(lane, held["outside"]) for lane, held in enumerate(taken["lanes"]) if "outside" in held]
    found = _Union("", outside, names, frozenset(by_name), clock).places()
    lost = Counter[str]()
    for held in taken["lanes"]:
        lost.update(held["losses"])
    known = {field.name for field in fields(Losses)}
    losses = Losses(**{name: count for name, count in lost.items() if name in known}, threads=taken["lost_threads"])
    return loops, tuple(place for place in found if place.calls), losses


class _Union:
    """The buffers of one loop on several threads, put together place by place."""

    def __init__(
        self,
        name: str,
        parts: Sequence[tuple[int, Mapping[str, Any]]],
        names: Sequence[str],
        loops: frozenset[str],
        clock: Clock,
    ) -> None:
        self._name, self._parts, self._clock, self._loops = name, parts, clock, loops
        self._paths = [
            [_path(part["places"], index, names) for index in range(len(part["places"]))] for _, part in parts
        ]
        # A region stands behind the one that encloses it, and the iterator's own time first.
        self._order = sorted({path for paths in self._paths for path in paths})

    def loop(self, device: Device) -> Loop:
        """The loop over all of its threads."""
        parts = [part for _, part in self._parts]
        steps = [step for place, part in enumerate(parts) for step in self._steps(place, part, "kept", "kept")]
        slow = [step for place, part in enumerate(parts) for step in self._steps(place, part, "slow", "slowest")]
        kept = sorted(steps, key=lambda step: step.start)
        slow = sorted(slow, key=lambda step: -step.seconds)[:MOST_SLOW]
        return Loop(
            name=self._name,
            lanes=len(parts),
            seen=sum(part["seen"] for part in parts),
            cut=sum(part["cut"] for part in parts),
            left_out=sum(part["left_out"] for part in parts),
            seconds=self._clock.second * sum(part["total"] for part in parts),
            every=max(part["stride"] for part in parts),
            spread=self._spread(part["spread"] for part in parts),
            longest=slow[0].seconds if slow else 0.0,
            first=tuple(self._clock.second * ticks for ticks in _numbers(parts[0]["first"])),
            blocks=tuple(sorted(self._blocks(), key=lambda block: block.start)),
            kept=tuple(kept[:: max(1, -(-len(kept) // MOST_KEPT))]),
            slowest=tuple(slow),
            places=self.places(),
            device=device,
        )

    def places(self) -> tuple[Place, ...]:
        """The places in their order."""
        return tuple(self._place(path) for path in self._order)

    def _place(self, path: tuple[str, ...]) -> Place:
        own = [
            held
            for (_, part), paths in zip(self._parts, self._paths, strict=True)
            for held, where in zip(part["places"], paths, strict=True)
            if where == path
        ]
        return Place(
            path,
            path[-1] in self._loops,
            sum(held["calls"] for held in own),
            sum(held["raised"] for held in own),
            self._clock.second * sum(held["total"] for held in own),
            self._spread(held["spread"] for held in own),
        )

    def _spread(self, spreads: Iterable[Sequence[tuple[int, int]]]) -> Spread:
        counts = Counter[int]()
        for spread in spreads:
            counts.update(dict(spread))
        ordered = sorted(counts)
        ends = [bucket(index) for index in ordered]
        second = self._clock.second
        return Spread(
            tuple(second * low for low, _ in ends),
            tuple(second * width for _, width in ends),
            tuple(counts[index] for index in ordered),
        )

    def _blocks(self) -> Iterable[Block]:
        second = self._clock.second
        for position, (lane, part) in enumerate(self._parts):
            columns = self._columns(position, part, "blocks")
            for at, (steps, ticks, start, end, longest, covered, thread, process) in enumerate(part["blocks"]):
                yield Block(
                    lane=lane,
                    steps=steps,
                    seconds=second * ticks,
                    start=self._clock.since(start),
                    end=self._clock.since(end),
                    longest=second * longest,
                    covered=second * covered,
                    thread=1e-9 * thread,
                    process=1e-9 * process,
                    places=tuple(second * column[at] if column else 0.0 for column in columns),
                )

    def _steps(self, position: int, part: Mapping[str, Any], which: str, of_places: str) -> Iterable[Step]:
        """Single steps: `which` begins the names of the loop's own columns, `of_places` is that of its places'."""
        columns = self._columns(position, part, of_places)
        starts, ticks = _numbers(part[f"{which}_start"]), _numbers(part[f"{which}_ticks"])
        for at, (start, took) in enumerate(zip(starts, ticks, strict=True)):
            places = tuple(self._clock.second * column[at] if column else 0.0 for column in columns)
            yield Step(self._clock.since(start), self._clock.second * took, places)

    def _columns(self, position: int, part: Mapping[str, Any], which: str) -> list[array[int]]:
        """Ticks of each place of the union in a column of this thread's; empty where it has no such place."""
        known = dict(zip(self._paths[position], part["places"], strict=True))
        return [_numbers(known[path][which]) if path in known else array("q") for path in self._order]


def _path(places: Sequence[Mapping[str, Any]], index: int, names: Sequence[str]) -> tuple[str, ...]:
    path: list[str] = []
    while index >= 0:
        path.append(names[places[index]["name"]])
        index = places[index]["parent"]
    return tuple(reversed(path))


def _numbers(held: bytes) -> array[int]:
    return array("q", held)
