# SPDX-License-Identifier: Apache-2.0
"""Records tests/gating/recorded.json: real pairs of a null, of a planted 10 %, and of noise between processes.

    python tests/gating/record.py

It prints what the gate says of them at every look; tests/cli/test_gate_cli.py decides its timing verdicts by them.
"""

import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from serialprof.gating.contestants import Contestant
from serialprof.gating.judging import judge
from serialprof.gating.pairing import pace, time_pair
from serialprof.gating.records import LOOKS, Criteria, Pair, Role
from serialprof.machine.topology import allowed_cpus
from serialprof.setting import Setting
from serialprof_workloads.chain import chain

RECORDED = Path(__file__).with_name("recorded.json")
NOISY = """
import random, serialprof

@serialprof.workload
def noisy(setting):
    data = [random.random() for _ in range(random.randrange(60, 110))]  # every process is of another speed
    def step():
        sum(data)
    return step
"""


def record(reference: str, setting: Setting, planted: float, blocks: int) -> list[Pair]:
    """As many pairs as a gate takes at most, of so many blocks, rounded to four digits."""
    base = Contestant(sys.executable, reference, Path.cwd())
    roles: dict[Role, Contestant] = {"base": base, "twin": base, "head": replace(base, planted=planted)}
    paced = replace(pace(setting, base, 100), blocks=blocks)
    pairs = []
    for number in range(LOOKS[-1]):
        pair = time_pair(roles, paced, random.Random(number))
        base_s, twin, head = (tuple(float(f"{value:.4g}") for value in pair.of(role)) for role in roles)
        pairs.append(Pair(base_s, twin, head))
    for look in LOOKS:
        found = judge(pairs[:look], Criteria())
        sys.stdout.write(f"{planted:.0%}, {look} pairs: {found.verdict}, {found.ratio.value:.3f}\n")
    return pairs


def main() -> None:
    """Records all three."""
    setting = Setting(mode="native", depth=64, parameters=dict(chain.parameters), cpus=allowed_cpus()[-1:])
    reference = "serialprof_workloads.chain:chain"
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "mine.py"
        file.write_text(NOISY)
        eager = replace(setting, mode="eager", parameters={})
        recorded = {
            "unchanged": record(reference, setting, 0.0, 12),
            "slower": record(reference, setting, 0.1, 12),
            "noisy": record(f"{file}:noisy", eager, 0.0, 6),
        }
    RECORDED.write_bytes(msgspec.json.encode(recorded) + b"\n")


if __name__ == "__main__":
    main()
