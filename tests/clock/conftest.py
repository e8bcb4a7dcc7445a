# SPDX-License-Identifier: Apache-2.0
"""Files hold at once what is written to them: only a kernel that lags is waited for."""

from pathlib import Path

import pytest

from serialprof.clock import pinning, restoring
from tests.clock import gpus as made_gpus

LAG = 0.05  # long beside what reading some files takes, also on a busy machine


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pinning, restoring):
        monkeypatch.setattr(module, "IN_FORCE", 0.0)


@pytest.fixture
def lag(_at_once: None, monkeypatch: pytest.MonkeyPatch) -> float:
    """How long a kernel lags that is waited for, in seconds."""
    for module in (pinning, restoring):
        monkeypatch.setattr(module, "IN_FORCE", 4 * LAG)
    return LAG


@pytest.fixture(scope="session")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a made-up NVML; skips where there is no compiler."""
    if made_gpus.COMPILER is None:
        pytest.skip("needs a C compiler")
    return made_gpus.compiled(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def gpus(nvml: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> made_gpus.Gpus:
    """Two made-up GPUs that nobody has locked."""
    made = made_gpus.Gpus(nvml, tmp_path / "gpus")
    monkeypatch.setenv("FAKE_NVML", str(made.folder))
    return made
