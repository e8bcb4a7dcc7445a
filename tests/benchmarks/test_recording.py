# SPDX-License-Identifier: Apache-2.0
"""What is kept beside a result."""

from pathlib import Path

import pytest

from benchmarks import recording


@pytest.mark.parametrize("path", [recording.__file__, "benchmarks/recording.py"])
def test_a_command_does_not_tell_where_the_repository_stands(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(recording.__file__).parents[1])
    assert recording.program(path) == "benchmarks/recording.py"


def test_no_result_tells_where_a_repository_stood() -> None:
    results = list(recording.RESULTS.glob("*.json"))
    assert results and not [path.name for path in results if b'"/' in path.read_bytes()]
