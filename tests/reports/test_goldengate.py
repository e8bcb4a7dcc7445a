# SPDX-License-Identifier: Apache-2.0
"""The gate's text outlets, character by character."""

from tests.reports import goldengate


def test_every_text_outlet_of_the_gate_is_as_it_was() -> None:
    documents = goldengate.documents()
    assert sorted(documents) == sorted(path.name for path in goldengate.FOLDER.iterdir())
    for name, text in documents.items():
        told = f"{name} changed; if that is meant: .venv/bin/python -m tests.reports.goldengate"
        assert (goldengate.FOLDER / name).read_bytes().decode() == text, told
