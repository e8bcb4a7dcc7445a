# SPDX-License-Identifier: Apache-2.0
"""One process of a fuzz: calls drawn from a seed, each written to a file before it is made; a crash is its end."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.fuzz_tools.signatures import Call, Kind, native
from benchmarks.fuzz_tools.values import integers, right, wild
from serialprof import _native

CALLS_OF_A_PROGRAM = 40
KEPT = 3  # objects of each class
#: What a wrong argument may lead to.
REFUSALS = (
    TypeError,
    ValueError,
    OverflowError,
    MemoryError,
    RuntimeError,
    OSError,
    BufferError,
    LookupError,
    StopIteration,
)


class Fuzz:
    """Objects made so far, and what calls came to."""

    def __init__(self, log: Path) -> None:
        self.kinds, self.functions = native()
        self.objects: dict[str, list[Any]] = {}
        self.came_to: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self._log = log.open("w", buffering=1)

    def program(self, data: st.DataObject) -> None:
        """A few calls in a drawn order, on objects that earlier ones have made."""
        self._log.seek(0)
        self._log.truncate()
        self.objects = {"Team": [_native.Team([min(os.sched_getaffinity(0))])]}
        for _ in range(CALLS_OF_A_PROGRAM):
            self.one(data)
        _native.live_hook(None)
        _native.live_chore(None, 0)
        _native.live_stop()

    def one(self, data: st.DataObject) -> None:
        """One call: a function, a new object, or something that an object offers, at times by two threads at once."""
        what = data.draw(st.integers(0, 9))
        if what == 0:
            call = data.draw(st.sampled_from(self.functions))
            made = self.make(call.name, getattr(_native, call.name), self.arguments(data, call, None))
            if call.name == "region" and made is not None:
                self.objects["Region"] = [made]
            return
        there = [kind for kind in self.kinds if self.objects.get(kind.name) and kind.offers]
        if what <= 3:
            self.construct(data, data.draw(st.sampled_from(self.kinds)))
            return
        kind = data.draw(st.sampled_from(there))
        item = data.draw(st.sampled_from(self.objects[kind.name]))
        first, second = (self.offered(data, kind, item) for _ in range(2))
        if what <= 7:
            self.make(*first)
        else:
            self.together(first, second)

    def construct(self, data: st.DataObject, kind: Kind) -> None:
        """A new object, kept where it was accepted."""
        call = kind.init or Call("__init__", ())
        made = self.make(kind.name, getattr(_native, kind.name), self.arguments(data, call, None))
        if made is not None:
            self.objects[kind.name] = [*self.objects.get(kind.name, []), made][-KEPT:]

    def offered(self, data: st.DataObject, kind: Kind, item: Any) -> tuple[str, Any, dict[str, Any]]:
        """Something that an object offers, with arguments."""
        call = data.draw(st.sampled_from(kind.offers))
        name = f"{kind.name}.{call.name}"
        if call.is_property:
            return name, lambda: getattr(item, call.name), {}
        return name, getattr(item, call.name), self.arguments(data, call, item)

    def arguments(self, data: st.DataObject, call: Call, item: Any) -> dict[str, Any]:
        """Arguments by name: most of the right type, some left out, some wild."""
        drawn: dict[str, Any] = {}
        for parameter in call.parameters:
            odds = data.draw(st.integers(0, 39))
            if (parameter.optional and odds % 2) or odds == 38:
                continue
            if odds == 39:
                drawn[parameter.name] = data.draw(wild())
            elif self.objects.get(parameter.annotation):
                drawn[parameter.name] = data.draw(st.sampled_from(self.objects[parameter.annotation]))
            elif call.name == f"set_{parameter.name}" and odds % 4:
                now = getattr(item, parameter.name)()
                drawn[parameter.name] = bytes(len(now)) if isinstance(now, bytes) else now
            else:
                drawn[parameter.name] = data.draw(right(parameter))
        if data.draw(st.integers(0, 60)) == 60:
            drawn["other"] = data.draw(integers(""))
        return drawn

    def make(self, name: str, function: Any, arguments: dict[str, Any]) -> Any:
        """Makes a call and counts what it came to.

        Raises:
            Exception: it raised what no call may.
        """
        shown = ", ".join(f"{key}={value!r:.200}" for key, value in arguments.items())
        self._log.write(f"{name}({shown})\n".encode(errors="replace").decode())
        try:
            by_place = name in ("region", "Steps", "Region.__exit__")
            made = function(*arguments.values()) if by_place else function(**arguments)
        except REFUSALS as refusal:
            self.came_to[type(refusal).__name__] += 1
            return None
        self.came_to["accepted"] += 1
        self.accepted[name] += 1
        return made

    def together(self, *calls: tuple[str, Any, dict[str, Any]]) -> None:
        """Two calls on one object by two threads at once."""
        failures: list[BaseException] = []

        def run(call: tuple[str, Any, dict[str, Any]]) -> None:
            try:
                self.make(*call)
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=run, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]


def main() -> None:
    """Makes the calls of one seed and prints what they came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--programs", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--megabytes", type=int, default=2048)
    given_ = parser.parse_args()
    if given_.megabytes:
        resource.setrlimit(resource.RLIMIT_AS, (given_.megabytes << 20, given_.megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.unraisablehook = lambda _: None  # hooks of ours that fail are told of there
    fuzz = Fuzz(given_.log)

    @seed(given_.seed)
    @settings(
        max_examples=given_.programs,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def programs(data: st.DataObject) -> None:
        fuzz.program(data)

    programs()
    print(json.dumps({"calls": fuzz.came_to, "accepted": fuzz.accepted}))


if __name__ == "__main__":
    main()
