# SPDX-License-Identifier: Apache-2.0
"""What a gate is asked for."""

from __future__ import annotations

import pytest

from serialprof.gating.request import pinned


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("gate", "--base-ref", "main", "main"), ("gate", "--base-ref", "1a2b", "main")),
        (("gate", "--base-ref=main"), ("gate", "--base-ref=1a2b")),
        (("gate", "--base-python", "main"), ("gate", "--base-python", "main")),
    ],
)
def test_a_command_that_repeats_a_gate_names_the_commit(words: tuple[str, ...], told: tuple[str, ...]) -> None:
    assert pinned(words, "--base-ref", "1a2b") == told
    assert pinned(words, "--base-ref", "") == words
