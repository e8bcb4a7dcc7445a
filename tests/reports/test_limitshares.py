# SPDX-License-Identifier: Apache-2.0
"""How near steps come to their limits, in words."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from serialprof.estimate import Estimate
from serialprof.model.limitshares import Floor, Limit, LimitShare
from serialprof_reports import limitshares
from tests import made


def share(width: int, threads: int, limit: Limit, value: float) -> LimitShare:
    return LimitShare(width, width, threads, (Floor(limit, value * 1e-6),), Estimate(value, 0.9 * value, 1.1 * value))


def family(*shares: LimitShare) -> Any:
    return SimpleNamespace(limit_shares=shares, device=None)


def test_widths_that_one_limit_binds_stand_together() -> None:
    found = family(
        share(16, 1, "arithmetic", 0.451), share(1, 1, "chain", 0.62), share(4, 1, "chain", 0.5),
        share(4, 2, "barriers", 0.33),
    )  # fmt: skip
    assert limitshares.told(found) == (
        "on 1 thread latency of the chain 62 % at W = 1, 50 % at 4, peak of arithmetic 45 % at W = 16; "
        "on 2 threads cost of barriers 33 % at W = 4"
    )


def test_what_operations_are_may_not_be_declared() -> None:
    silent = family(share(1, 1, "bandwidth", 1.04))
    assert limitshares.told(silent) == (
        "on 1 thread bandwidth 104 % at W = 1; "
        "what its operations are was not declared, so by memory and barriers alone"
    )
    assert limitshares.told(family()) == ""


def test_what_is_surely_above_its_limit_is_explained() -> None:
    floors = (Floor("chain", 1e-6),)
    sure = LimitShare(1, 1, 1, floors, Estimate(1.7, 1.2, 2.4))
    assert limitshares.told(family(sure)) == (
        "on 1 thread latency of the chain 170 % at W = 1; "
        "what exceeds 100 % met a faster machine than its limits, or a nearer cache"
    )
    for share in (Estimate(1.7, 0.9, 2.4), Estimate(1.08, 1.05, 1.1), Estimate(1.7)):
        assert "exceeds" not in limitshares.told(family(replace(sure, share=share)))


def test_cells_of_a_point() -> None:
    found = family(share(4, 1, "loads", 0.875))
    assert limitshares.share_of(found, 4, 1) == "88 %" and limitshares.share_of(found, 4, 2) == "-"
    point = made.points()[0]
    assert limitshares.of_point(found, replace(point, id=4)) is found.limit_shares[0]
    assert limitshares.of_point(found, point) is None
