# SPDX-License-Identifier: Apache-2.0
"""The text outlets, character by character."""

import golden


def test_every_text_outlet_is_as_it_was() -> None:
    documents = golden.documents()
    assert sorted(documents) == sorted(path.name for path in golden.FOLDER.iterdir())
    for name, text in documents.items():
        told = f"{name} changed; if that is meant: .venv/bin/python tests/reports/golden.py"
        assert (golden.FOLDER / name).read_bytes().decode() == text, told


def test_a_run_in_which_everything_failed_says_so_in_every_text_outlet() -> None:
    documents = golden.documents()
    for name in ("failed-terminal.txt", "failed-markdown.md", "failed.trace.json"):
        assert "out of memory?" in documents[name].replace("\n", " "), name
    assert "Nothing was measured" in documents["failed-markdown.md"]
    assert "every point failed" in documents["failed.trace.json"]
