# SPDX-License-Identifier: Apache-2.0
"""The command line as tests call it: in this process, or as one of its own."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from serialprof.cli import main

MAIN = "from serialprof.cli import main; main()"


def called(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What the command does when it is called in this process, which need not import everything again.

    Args:
        arguments: after the command's name.
        cwd: where the user stands.
        environment: variables that are set for it.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["serialprof", *arguments])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return subprocess.CompletedProcess(arguments, ended.value.code, _text(out), _text(err))


def processed(*arguments: str, cwd: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """What the command does as a process of its own.

    Args:
        arguments: after the command's name.
        cwd: where it is started.
        before: Python that the process runs first.
    """
    return subprocess.run(
        [sys.executable, "-c", before + MAIN, *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
