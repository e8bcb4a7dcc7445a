# SPDX-License-Identifier: Apache-2.0
"""The reference of the Python face, made of its docstrings by pdoc (`make docs`), leaves nothing public out."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import serialprof

pdoc = pytest.importorskip("pdoc")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    pdoc.render.configure(docformat="google")
    folder = tmp_path_factory.mktemp("api")
    pdoc.pdoc("serialprof", output_directory=folder)
    assert {path.name for path in Path(folder).glob("*.html")} == {"index.html", "serialprof.html"}
    return (folder / "serialprof.html").read_text()


def members() -> Iterator[tuple[str, object]]:
    """Public names, and the public methods and properties of the classes among them, as pdoc calls them."""
    for name in serialprof.__all__:
        thing = getattr(serialprof, name)
        yield name, thing
        if inspect.isclass(thing):
            for attribute, value in vars(thing).items():
                if not attribute.startswith("_") and (callable(value) or isinstance(value, property)):
                    yield f"{name}.{attribute}", value


def test_all_that_is_public_is_explained(reference: str) -> None:
    explained = set(re.findall(r'<(?:section|div) id="([^"]+)"', reference))
    for name, thing in members():
        assert name in explained, f"{name} is missing"
        assert inspect.getdoc(thing), f"{name} has no docstring"
