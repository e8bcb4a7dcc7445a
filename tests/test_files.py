# SPDX-License-Identifier: Apache-2.0
"""New files appear whole or not at all, and never over another one."""

from pathlib import Path

import pytest

from serialprof.errors import StoreError
from serialprof.files import appearing, write_new


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_appears_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with appearing(path) as beside:
        beside.write_text("half")
        assert not path.exists()
        beside.write_text("whole")
    assert path.read_text() == "whole"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("no")])
def test_where_writing_fails_nothing_is_left(error: Exception, tmp_path: Path) -> None:
    expected = StoreError if isinstance(error, OSError) else ValueError
    with pytest.raises(expected), appearing(tmp_path / "a.txt") as beside:
        beside.write_text("half")
        raise error
    assert names(tmp_path) == []


def test_whoever_was_faster_keeps_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(StoreError, match=r"a\.txt exists"), appearing(path) as beside:
        beside.write_text("mine")
        path.write_text("theirs")
    assert path.read_text() == "theirs"
    assert names(tmp_path) == ["a.txt"]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_new(path, "first")
    with pytest.raises(StoreError, match="nothing is overwritten"):
        write_new(path, b"second")
    assert path.read_text() == "first"
