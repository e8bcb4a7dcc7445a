# SPDX-License-Identifier: Apache-2.0
"""Gate reports of recorded pairs: what every outlet is tested with. Nothing here is timed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from serialprof.gating.judging import judge, unjudged
from serialprof.gating.records import (
    Benchmark,
    Criteria,
    GateReport,
    Outcome,
    Pair,
    SideFacts,
    Unpaired,
    Verdict,
)
from serialprof.gating.running import decided
from serialprof.gating.telling import error_sentence, sentence
from serialprof.gating.welch import judge_unpaired
from serialprof.machine import Machine
from serialprof.setting import Setting

MACHINE = Machine(
    host="runner-7",
    system="Linux",
    kernel="6.8.0",
    architecture="x86_64",
    processor="AMD EPYC 9V74 80-Core Processor",
    hypervisor="kvm",
    cpus=(0, 1),
    siblings=((0,), (1,)),
    quota=None,
    caches=(),
    memory=8 * 1024**3,
    clock_driver="",
    clock_governor="",
    clock_writable=False,
    instruction_set="avx512",
    gpus=(),
    python="3.12.4",
    packages={"numpy": "2.1.0"},
)
CRITERIA = Criteria()
BASE = SideFacts("base", "1a2b3c4d5e6f", "3.12.4")
HEAD = SideFacts("head", "6f5e4d3c2b1a", "3.12.4")


def pair(head: float, twin: float, draw: random.Random, base: float = 1e-6, blocks: int = 6) -> Pair:
    """A pair with these log ratios, and 0.2 % of noise in every sample; `base` in seconds per step."""

    def samples(log: float) -> tuple[float, ...]:
        return tuple(float(f"{base * (1 + log + draw.gauss(0, 0.002)):.6e}") for _ in range(2 * blocks))

    return Pair(samples(0.0), samples(twin), samples(head))


def pairs(head: float, count: int = 5, spread: float = 0.001, twin: float = 0.0, seed: int = 0) -> tuple[Pair, ...]:
    """Pairs whose log ratios vary by `spread` around `head`, and those of the null around `twin`."""
    draw = random.Random(f"{head} {count} {seed}")
    return tuple(pair(draw.gauss(head, spread), draw.gauss(twin, spread), draw) for _ in range(count))


def outcome(
    name: str, taken: Sequence[Pair], criteria: Criteria = CRITERIA, reference: str = "", waiver: str = ""
) -> Outcome:
    """What pairs say of a benchmark, alone."""
    benchmark = Benchmark(name, reference or name, criteria=criteria)
    judgement = judge(taken, criteria)
    return Outcome(
        benchmark,
        judgement.verdict,
        sentence(benchmark, judgement, judgement.verdict),
        setting=Setting(width=1, depth=1000),
        runs=3,
        pairs=tuple(taken),
        judgement=judgement,
        waiver=waiver,
        seconds=1.25 * len(taken),
    )


def broken(name: str, verdict: Verdict, reason: str, reference: str = "") -> Outcome:
    """A benchmark that came not so far as to be judged."""
    benchmark = Benchmark(name, reference or name)
    return Outcome(benchmark, verdict, error_sentence(benchmark, reason))


def report(*outcomes: Outcome, strict: bool = False, advisory: str = "", warnings: tuple[str, ...] = ()) -> GateReport:
    """A gate of these outcomes, judged beside each other."""
    waivers = [item.waiver for item in outcomes]
    return GateReport(
        outcomes=tuple(replace(item, waiver=waiver) for item, waiver in zip(decided(outcomes), waivers, strict=True)),
        base=BASE,
        head=HEAD,
        machine=MACHINE,
        started=1_780_000_000.0,
        seconds=62.5,
        version="0.1.0",
        command=("serialprof", "gate", "--base-ref", "origin/main", "--install", "pip install ."),
        strict=strict,
        advisory=advisory,
        warnings=warnings,
    )


def stored(head: float = 0.3, barred: str = "") -> GateReport:
    """A benchmark against a stored baseline: processes that are not paired, and a metric that is left out."""
    draw = random.Random(f"stored {head}")
    base, now = (
        tuple(tuple(1e-6 * (1 + log + draw.gauss(0, 0.005)) for _ in range(6)) for _ in range(8)) for log in (0.0, head)
    )
    samples = Unpaired(base, now)
    judgement = judge_unpaired(samples, CRITERIA, 0.1, barred)
    benchmark = Benchmark("lstm", "lstm")
    told = sentence(benchmark, judgement, judgement.verdict)
    found = Outcome(benchmark, judgement.verdict, told, judgement=judgement, unpaired=samples)
    left_out = "lstm: memory of a stored baseline is not known, and not compared"
    return replace(report(), outcomes=(found,), advisory="a stored baseline advises", warnings=(left_out,))


def refused_p99() -> Outcome:
    """A benchmark that passes, of which the further metric was not measured."""
    found = outcome("loop", pairs(0.0))
    benchmark = replace(found.benchmark, metrics=("step", "p99"))
    return replace(found, benchmark=benchmark, others={"p99": unjudged("single steps are too long", CRITERIA)})


def passing() -> GateReport:
    """Two benchmarks, none slower."""
    return report(outcome("lstm", pairs(0.0)), outcome("life", pairs(-0.1)))


def failing() -> GateReport:
    """One of every verdict, a waiver, a biased null and a warning."""
    return report(
        outcome("lstm", pairs(0.05)),
        outcome("life", pairs(0.0005)),
        outcome("loop", pairs(0.02, 16, spread=0.03), reference="bench/loops.py:loop"),
        outcome("noisy", pairs(0.06, twin=0.04), reference="bench/loops.py:noisy"),
        outcome("decode", pairs(0.08), waiver="waived until 2026-12-31: the fix is under way"),
        broken("renamed", "no baseline", "base has no workload renamed"),
        broken("crash", "error", "head: the worker died with signal 11", "bench/loops.py:crash"),
        warnings=("the clock governor is powersave",),
    )


def hostile() -> GateReport:
    """Names and sentences that would break out of every format that does not escape them."""
    name = '<script>alert(1)</script>|`x`\n::error::%0A,:"&\x1b[31m\x00\ufffe'
    word = "w" * 10_000
    made = report(outcome(name, pairs(0.05)), broken(word, "error", f"{name} {word}", f"a,b:{name}.py:step"))
    side = replace(HEAD, commit=name)
    return replace(made, head=side, command=("serialprof", "gate", "````", name), warnings=(name,), advisory=name)
