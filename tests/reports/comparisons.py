"""Made-up comparisons for the tests of their page."""

from collections.abc import Sequence
from dataclasses import replace

from serialprof.model.comparison.comparing import compare
from serialprof.model.comparison.records import Comparison
from serialprof.question import Cost
from serialprof.records import StoredRun
from tests.model import builder

EVIL = '<script>alert(1)</script>" onload="x'
WIDTHS = (1, 4, 16, 64)
PRICES = (Cost(0.1, 0.0), Cost(0.02, 0.04))


def run(
    factor: float, seed: int, threads: Sequence[int] = (1, 2), forms: Sequence[str] = ("serial", "wide")
) -> StoredRun:
    def law(width: int, count: int, form: str) -> float:
        return factor * (1e-6 + 2e-8 * width / count) * (0.8 if form == "wide" else 1.0)

    made = builder.run(law, WIDTHS, threads, forms, noise=0.01, seed=seed)  # type: ignore[arg-type]
    return replace(made, run_id=str(seed))


def compared(*factors: float, prices: Sequence[Cost] = (), fitted: bool = True) -> Comparison:
    runs = [run(factor, seed) for seed, factor in enumerate(factors)]
    return compare(runs, [f"some/{letter}.serialprof" for letter in "abcde"[: len(runs)]], prices, fitted=fitted)


def evil() -> Comparison:
    """Names of files, hosts, processors, workloads and packages that would do harm as markup."""
    name = EVIL + "$x^2$ & \x1b[31m\x00" + "\N{GRINNING FACE}" * 2000
    first, second = run(1.5, 0), run(1.0, 1)
    changed = []
    for each in (first, second):
        described = tuple(replace(item, name=name, width_name=name) for item in each.plan.descriptions)
        machine = replace(each.machine, host=name, processor=name, hypervisor=name, instruction_set=name + each.run_id)
        changed.append(replace(each, plan=replace(each.plan, descriptions=described), machine=machine, version=name))
    return compare(changed, [name, name + "b"], fitted=True)
