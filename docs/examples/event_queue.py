# SPDX-License-Identifier: Apache-2.0
"""A plain Python loop: a simulation of events in time order, on the standard library's heapq.

    serialprof run docs/examples/event_queue.py:events

One step takes the next event off the queue and schedules the one that follows from it. What happens next is known
only then, so events cannot be done side by side. A lane is a customer under way: one pending event.
"""

import heapq
import random

import serialprof


@serialprof.workload(depth="events", width="customers", widths=(16, 256, 4096, 65536, 1048576), default_depth=1000)
def events(setting: serialprof.Setting):
    """A queue of pending events: the earliest is taken and its successor scheduled."""
    draw = random.Random(setting.seed)
    queue = [(draw.expovariate(1.0), customer) for customer in range(setting.width)]
    heapq.heapify(queue)

    def step() -> None:
        now, customer = queue[0]
        heapq.heapreplace(queue, (now + draw.expovariate(1.0), customer))

    return step
