# SPDX-License-Identifier: Apache-2.0
"""What the documentation shows works as shown."""

import re
from contextlib import closing
from pathlib import Path

from serialprof.loading import load
from serialprof.measure.introspection import Introspector
from serialprof.setting import Setting

ROOT = Path(__file__).parents[1]


def test_the_workload_of_contributing_runs(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.DOTALL)
    (tmp_path / "sandpile.py").write_text(source)
    reference = f"{tmp_path}/sandpile.py:sandpile"
    with closing(Introspector(reference, 0)) as introspector:
        description, _ = introspector.describe()
        (work,) = introspector.declare([Setting(width=64)])
    assert (description.depth_name, description.width_name) == ("topplings", "cells")
    assert work is not None and work.flops.at(64) == 384
    load(reference).stepper(Setting(width=64)).run(10)


def test_the_links_of_the_documentation_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
