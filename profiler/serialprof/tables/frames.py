# SPDX-License-Identifier: Apache-2.0
"""What all tables share: their making, the columns of an estimate, and those that say which family or point it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from serialprof.estimate import Estimate
    from serialprof.planning import Family
    from serialprof.setting import Setting

#: Columns that say which family a row is about, and which point of it.
FAMILY: Final = ("workload", "parameters", "mode", "device", "dtype")
POINT: Final = (*FAMILY, "form", "width", "depth", "threads")


def frame(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> pd.DataFrame:
    """A table; one without rows has its columns all the same."""
    import pandas as pd

    return typed(pd.DataFrame(list(rows), columns=list(columns)))


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with NaN in columns of which nothing is known, which pandas takes for columns of objects."""
    unknown = [name for name in table.columns if table[name].dtype == object and table[name].isna().all()]
    return table.astype(dict.fromkeys(unknown, "float64"))


def three(name: str) -> tuple[str, str, str]:
    """The columns of an estimate: its value and the ends of its interval."""
    return name, f"{name}_low", f"{name}_high"


def cells(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    """An estimate under the names of its columns; None where the data give nothing."""
    ends = (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
    return dict(zip(three(name), ends, strict=True))


def of_family(name: str, family: Family) -> dict[str, str]:
    """Which family a row is about.

    Args:
        name: of its workload.
        family: it.
    """
    parameters = ";".join(f"{key}={value}" for key, value in family.parameters)
    return dict(zip(FAMILY, (name, parameters, family.mode, family.device, family.dtype), strict=True))


def of_setting(setting: Setting) -> dict[str, Any]:
    """Which of a family's points a row is about."""
    return {"form": setting.form, "width": setting.width, "depth": setting.depth, "threads": setting.threads}
