# SPDX-License-Identifier: Apache-2.0
"""What the page says of how its run came about, and the analysis that it carries."""

import base64
import gzip
import json
from dataclasses import replace

import made

from serialprof.model.results import Analysis
from serialprof_reports import tables
from serialprof_reports.reproduction import reproduction


def test_the_download_is_the_whole_analysis() -> None:
    run = made.stored_run((made.LSTM,))
    analysis = made.analysis(run, (made.LSTM,))
    head, _, packed = reproduction(made.view(run, analysis)).data.partition(",")
    assert head == "data:application/gzip;base64"
    assert json.loads(gzip.decompress(base64.b64decode(packed))) == json.loads(tables.json(made.view(run, analysis)))


def test_failed_points_and_disturbed_samples_are_counted_by_reason() -> None:
    run = made.stored_run((made.LSTM, made.LIFE))
    (*_, counts) = reproduction(made.view(run, made.analysis(run, (made.LSTM, made.LIFE)))).tables
    assert counts.rows == (
        ("disturbed samples", "39", "kept off the CPU"),
        ("failed points", "1", "the worker was killed by signal 9 (out of memory?)"),
    )


def test_the_configuration_has_a_row_per_family_with_everything_resolved() -> None:
    run = made.stored_run((made.LSTM,))
    points = tuple(replace(point, setting=replace(point.setting, clock=2.4e9)) for point in run.plan.points)
    (configuration,) = reproduction(
        made.view(replace(run, plan=replace(run.plan, points=points), visits=()), Analysis(()))
    ).tables
    cells = dict(zip(configuration.columns, configuration.rows[0], strict=True))
    assert cells == {
        "workload": "lstm", "runs as": "native, cpu, fp32", "depth": "64", "forms": "serial, wide",
        "widths": "1, 4, 16, 64, 256", "threads": "1, 2", "clocks": "2.40 GHz", "seeds": "1",
        "parameters": "hidden=256",
    }  # fmt: skip
