# SPDX-License-Identifier: Apache-2.0
"""Golden files of the gate's outlets; write them anew with

.venv/bin/python -m tests.reports.goldengate
"""

from pathlib import Path

from serialprof_reports.gate import terminal
from serialprof_reports.gateannotations import workflow_commands as annotations
from serialprof_reports.gatejunit import junit
from serialprof_reports.gatemarkdown import markdown
from tests.gating import made

FOLDER = Path(__file__).with_name("golden-gate")


def documents() -> dict[str, str]:
    """Every golden file by its name."""
    failing = made.failing()
    return {
        "terminal.txt": terminal(failing),
        "junit.xml": junit(failing),
        "summary.md": markdown(failing),
        "annotations.txt": annotations(failing),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_bytes(text.encode())
