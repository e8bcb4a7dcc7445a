# SPDX-License-Identifier: Apache-2.0
"""Where the level of a series changed, and whether it did at all.

For every number of changes ruptures (Truong, Oudre, Vayatis 2020) finds the segments of least squares, by dynamic
programming: its PELT prunes optima away once segments have a least length. How many there are is decided by a penalty
per change that comes from the series itself. Shuffled, a series has no changes; the penalty is the one at which 95 % of
its shuffles show none. So a series without changes shows one in 5 % at most, whatever its noise is like, as long as its
values are exchangeable: drift and trends are changes, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from serialprof.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.float64]

#: Chance that a series without changes shows one.
ERROR: Final = 0.05
#: Fewest values on either side of a change, and in a series that is looked at.
SEGMENT: Final = 3
MINIMUM: Final = 8
#: More values are not looked at; the last ones are.
MOST: Final = 1000
_SHUFFLES: Final = 199
_MOST_CHANGES: Final = 20
#: Shuffles that are as extreme but for rounding count as extreme.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Found:
    """What a series shows.

    Attributes:
        places: index of the first value after every change, ascending.
        p_value: share of the shuffled series (this one included) that ask for a change at least as strongly.
        penalty: per change, in variances of the whole series.
    """

    places: tuple[int, ...]
    p_value: float
    penalty: float


def change_points(values: Sequence[float], seed: int = 0) -> Found:
    """The changes of a series' mean.

    Args:
        values: MINIMUM of them at least, in their order; of times, their logarithms.
        seed: of the shuffles.

    Raises:
        UsageError: ruptures is not installed.
    """
    import numpy as np

    library = _library()
    series = np.asarray(values, dtype=float)
    spread = series.std()
    if spread <= _ROUNDING * max(1.0, abs(float(series.mean()))):
        return Found((), 1.0, 0.0)
    series = (series - series.mean()) / spread
    draw = np.random.default_rng(seed)
    shuffled = draw.permuted(np.tile(series, (_SHUFFLES, 1)), axis=1)
    own, *others = _critical_penalties(np.vstack([series, shuffled]))
    extreme = sum(other >= own * (1 - _ROUNDING) for other in others)
    penalty = sorted([own, *others])[math.ceil((1 - ERROR) * (_SHUFFLES + 1)) - 1]
    p_value = (1 + extreme) / (_SHUFFLES + 1)
    if p_value > ERROR:
        return Found((), p_value, penalty)
    fitted = library(kernel="linear", min_size=SEGMENT).fit(series[:, None])
    most = min(_MOST_CHANGES, len(series) // SEGMENT - 1)
    candidates = [(), *(_places(fitted, count) for count in range(1, most + 1))]
    best = min(candidates, key=lambda places: _squares(series, places) + penalty * len(places))
    return Found(best, p_value, penalty)


def _places(fitted: Any, count: int) -> tuple[int, ...]:
    """The best places of so many changes."""
    return tuple(int(place) for place in fitted.predict(n_bkps=count)[:-1])


def _squares(series: Array, places: tuple[int, ...]) -> float:
    """Squared distances from the means of the segments, summed."""
    import numpy as np

    return sum(float(((part - part.mean()) ** 2).sum()) for part in np.split(series, places))


def _library() -> Any:
    """The class that segments by least squares, in C."""
    try:
        from ruptures import KernelCPD
    except ImportError:
        raise UsageError(
            "change points need the library ruptures, which is not installed", "pip install 'serialprof[history]'"
        ) from None
    return KernelCPD


def _critical_penalties(rows: Array) -> list[float]:
    """For every row, the penalty from which on no change pays: the best reduction of squares per change.

    Of one change and of two, the two that decide: more of them seldom reduce the squares by more each.

    Args:
        rows: [series, value], each of mean 0.
    """
    import numpy as np

    count = rows.shape[1]
    sums = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)], axis=1)
    ends = np.arange(SEGMENT, count - SEGMENT + 1)
    best = (sums[:, ends] ** 2 * (1 / ends + 1 / (count - ends))).max(axis=1)
    for first in range(SEGMENT, count - 2 * SEGMENT + 1):
        second = np.arange(first + SEGMENT, count - SEGMENT + 1)
        left, both = sums[:, [first]], sums[:, second]
        reduced = left**2 / first + (both - left) ** 2 / (second - first) + both**2 / (count - second)
        best = np.maximum(best, reduced.max(axis=1) / 2)
    return [float(value) for value in best]
