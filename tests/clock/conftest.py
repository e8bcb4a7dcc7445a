# SPDX-License-Identifier: Apache-2.0
"""Files hold at once what is written to them: only a kernel that lags is waited for."""

import pytest

from serialprof.clock import pinning, restoring

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
