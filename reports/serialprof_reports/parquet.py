# SPDX-License-Identifier: Apache-2.0
"""The samples of a run as a Parquet file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof.errors import UsageError
from serialprof_reports.tables import COLUMNS, rows

if TYPE_CHECKING:
    from serialprof.view import Run

#: Columns of text and of whole numbers; all others hold numbers.
TEXTS: Final = frozenset(
    ("run", "workload", "parameters", "mode", "device", "dtype", "form", "cpus", "disturbed", "gpu_held_by")
)
COUNTS: Final = frozenset(
    ("width", "depth", "threads", "block", "turn", "process", "runs", "involuntary", "cpu", "visit_throttles")
)


def parquet(run: Run) -> bytes:
    """One row per sample with the columns of `csv`, typed: text, 64-bit whole numbers, 64-bit floats; unknown is null.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow.parquet import write_table
    except ImportError:
        raise UsageError(
            "parquet needs pyarrow, which is not installed", "pip install 'serialprof[parquet]', or export csv"
        ) from None
    schema = pyarrow.schema([(name, _kind(name)) for name in COLUMNS])
    table = pyarrow.Table.from_pylist([dict(zip(COLUMNS, row, strict=True)) for row in rows(run.stored)], schema=schema)
    sink = pyarrow.BufferOutputStream()
    write_table(table, sink)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _kind(column: str) -> str:
    """The name of a column's type, as pyarrow takes it."""
    return "string" if column in TEXTS else "int64" if column in COUNTS else "float64"
