# SPDX-License-Identifier: Apache-2.0
"""What examinations mean, on made ones on both sides of every threshold."""

from dataclasses import replace

import pytest

from serialprof.clock.counters import Refusal
from serialprof.machine.finding import Finding
from serialprof.measure import findings
from serialprof.measure.health import Busiest, Examination, Gaps
from serialprof.measure.pairs import PairReading

NOTHING = Examination(seconds=3.0)
QUIET = Examination(
    seconds=3.0,
    load=0.01,
    gaps=(Gaps(0, 900, 0.001, 90e-6, 1.0), Gaps(1, 800, 0.002, 40e-6, 1.0)),
    stolen=0.0,
    clocks=tuple(3e9 + 1e5 * index for index in range(101)),
    readings=110,
    pairs=(PairReading(0, 1, 200.0, 198.0),),
    throttles=0,
    temperature=61.4,
    swapped=0,
)


def test_a_quiet_machine_is_good() -> None:
    found = [
        findings.load(QUIET),
        findings.interruptions(QUIET),
        findings.steal(QUIET),
        findings.clock_wander(QUIET),
        findings.siblings(QUIET, [(0,), (1,)]),
        findings.heat(QUIET),
        *findings.swap(QUIET, 0),
        findings.counters(None),
    ]
    assert {finding.name: finding.state for finding in found if finding.state != "good"} == {}
    assert len({finding.name for finding in found}) == 8


def test_what_the_system_does_not_tell_is_unknown() -> None:
    found = [
        findings.load(NOTHING),
        findings.interruptions(NOTHING),
        findings.steal(NOTHING),
        findings.clock_wander(NOTHING),
        findings.heat(NOTHING),
    ]
    assert {finding.state for finding in found} == {"unknown"}
    assert findings.swap(NOTHING, 5) == ()
    assert findings.swap(QUIET, None) == ()


def test_load_names_who_it_is() -> None:
    found = findings.load(replace(QUIET, load=0.5, busiest=Busiest("cc1plus", 4242, 0.4)))
    assert found == Finding(
        "load",
        "costs",
        "Other processes used the time of 0.50 CPUs while this one slept, most of it by cc1plus (process 4242, 0.40).",
        "25 % of 2 CPUs",
    )
    assert "cc1plus" not in findings.load(replace(QUIET, busiest=Busiest("cc1plus", 4242, 0.01))).what


@pytest.mark.parametrize(
    ("gaps", "state"),
    [
        (Gaps(0, 9, 0.004, 0.9e-3, 1.0), "good"),
        (Gaps(0, 9, 0.006, 0.9e-3, 1.0), "costs"),
        (Gaps(0, 9, 0.004, 1.1e-3, 1.0), "costs"),
        (Gaps(0, 9, 0.006, 0.9e-3, 2.0), "good"),
    ],
)
def test_interruptions_cost_by_their_share_or_their_length(gaps: Gaps, state: str) -> None:
    assert findings.interruptions(replace(QUIET, gaps=(gaps,))).state == state


def test_interruptions_are_those_of_the_worst_cpu_and_the_longest_of_all() -> None:
    gaps = (Gaps(0, 12, 0.02, 5e-3, 1.0), Gaps(3, 700, 0.08, 2e-3, 1.0))
    found = findings.interruptions(replace(QUIET, gaps=gaps))
    assert found.what == "CPU 3 was interrupted 700 times in 1.00 s; the longest of all, on CPU 0, took 5.00 ms."
    assert found.cost == "8.00 % of its time"


@pytest.mark.parametrize(("stolen", "state"), [(0.0, "good"), (0.01, "good"), (0.02, "costs")])
def test_steal_costs_from_more_than_one_step_of_its_count(stolen: float, state: str) -> None:
    found = findings.steal(replace(QUIET, stolen=stolen))
    assert found.state == state
    assert f"{stolen * 1e3:.0f} ms" in found.what
    assert found.cost == ("1.0 % of their time" if state == "costs" else "")


def test_one_step_of_steal_says_nothing_of_one_cpu() -> None:
    assert findings.steal(replace(QUIET, gaps=QUIET.gaps[:1], stolen=0.01)).state == "good"


def test_steal_of_many_cpus_is_a_share() -> None:
    gaps = tuple(Gaps(cpu, 1, 1e-5, 1e-5, 1.0) for cpu in range(100))
    assert findings.steal(replace(QUIET, gaps=gaps, stolen=0.4)).state == "good"
    assert findings.steal(replace(QUIET, gaps=gaps, stolen=0.6)).state == "costs"


def test_a_wandering_clock() -> None:
    clocks = tuple(3e9 + 1e6 * index for index in range(101))
    found = findings.clock_wander(replace(QUIET, clocks=clocks))
    assert found.state == "costs"
    assert "The clock was 3.050 GHz, nine readings of ten from 3.005 GHz to 3.095 GHz (101 undis" in found.what
    assert found.cost == "a spread of 3.0 %"
    few = findings.clock_wander(replace(QUIET, clocks=clocks[:19], readings=500))
    assert few.state == "unknown"
    assert "19 of 500" in few.what


def test_hidden_siblings_are_told_with_what_they_do_together() -> None:
    pairs = (
        PairReading(0, 1, 200.0, 104.0),
        PairReading(0, 2, 200.0, 196.0),
        PairReading(1, 3, 200.0, 190.0),
        PairReading(2, 3, 200.0, 110.0),
    )
    found = findings.siblings(replace(QUIET, pairs=pairs), [(0,), (1,), (2,), (3,)])
    assert found == Finding(
        "SMT",
        "costs",
        "CPUs 0+1, 2+3 share a core; the kernel does not tell.",
        "two at once do 52 % of what they do one at a time",
        "taskset -c 0,2 serialprof run",
    )


def test_siblings_that_the_kernel_tells() -> None:
    seen = replace(QUIET, pairs=(PairReading(0, 2, 200.0, 120.0), PairReading(0, 1, 200.0, 160.0)))
    told = findings.siblings(seen, [(0, 2), (1, 3)], "/sys/smt/control")
    assert told.what == "CPUs 0+2, 1+3 share a core, as the kernel tells."
    assert told.cost == "two at once do 60 % of what they do one at a time"
    assert told.remedy == "echo off | sudo tee /sys/smt/control"
    assert findings.siblings(seen, [(0, 2), (1, 3)]).remedy == "taskset -c 0-1 serialprof run"


def test_no_siblings() -> None:
    tried = findings.siblings(QUIET, [(0,), (1,)])
    assert tried.what.endswith("in 1 pair tried, two at once do 99 % of what they do one at a time.")
    faster = findings.siblings(replace(QUIET, pairs=(PairReading(0, 1, 200.0, 203.0),)), [(0,), (1,)])
    assert "100 %" in faster.what
    told = findings.siblings(NOTHING, [(0,), (1,)])
    assert (told.state, told.what) == ("good", "No two of these CPUs share a core, as the kernel tells.")


def test_heat() -> None:
    hot = findings.heat(replace(QUIET, throttles=2))
    assert (hot.state, hot.what) == (
        "costs",
        "The processor is at 61 degrees Celsius; it throttled 2 times in 3.00 s.",
    )
    assert findings.heat(replace(QUIET, temperature=None)).what == "It throttled 0 times in 3.00 s."
    assert findings.heat(replace(QUIET, throttles=None)).state == "unknown"


def test_swapping_costs() -> None:
    (found,) = findings.swap(replace(QUIET, swapped=12), 1 << 30)
    assert found.state == "costs"
    assert found.what == "12 pages went to or from swap in 3.00 s; 1 GiB of it are in use."
    assert found.remedy == "sudo swapoff -a"


def test_the_event_of_memory_stalls_is_named_where_there_is_one() -> None:
    assert findings.counters(None, "stall_backend_mem").what.endswith("memory stalls by stall_backend_mem.")
    assert findings.counters(None).what.endswith("no event of memory stalls is known here.")


def test_refused_counters_carry_their_remedy() -> None:
    found = findings.counters(Refusal("the kernel says so", "sudo sysctl x=2"))
    assert found == Finding(
        "counters", "costs", "Cycles and instructions cannot be counted: the kernel says so.", "", "sudo sysctl x=2"
    )


def test_what_a_quota_took() -> None:
    assert findings.throttled(replace(QUIET, throttled=0.31)) == "kept off for 310 ms in 3.00 s"
    assert findings.throttled(QUIET) == ""
