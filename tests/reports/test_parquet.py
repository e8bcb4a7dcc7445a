# SPDX-License-Identifier: Apache-2.0
import builtins
import io
from typing import Any

import made
import pytest

from serialprof.errors import UsageError
from serialprof.model.results import Analysis
from serialprof_reports.parquet import COUNTS, TEXTS, parquet
from serialprof_reports.tables import COLUMNS, rows


def test_without_pyarrow_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(name)
        return ours(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pyarrow.*not installed; pip install 'serialprof\[parquet\]'"):
        parquet(made.view(made.stored_run((made.LSTM,)), Analysis(())))


def test_every_cell_is_of_its_columns_type() -> None:
    assert set(COLUMNS) >= TEXTS | COUNTS
    for row in rows(made.stored_run((made.LSTM,))):
        for name, cell in zip(COLUMNS, row, strict=True):
            kind = str if name in TEXTS else int if name in COUNTS else (int, float)
            assert cell is None or isinstance(cell, kind), name


@pytest.mark.parametrize("all_fail", [False, True])
def test_what_is_written_is_read_back(all_fail: bool) -> None:
    reader = pytest.importorskip("pyarrow.parquet")
    run = made.stored_run((made.LSTM,), all_fail=all_fail)
    table = reader.read_table(io.BytesIO(parquet(made.view(run, Analysis(())))))
    assert tuple(table.column_names) == COLUMNS
    assert [tuple(row.values()) for row in table.to_pylist()] == list(rows(run))
