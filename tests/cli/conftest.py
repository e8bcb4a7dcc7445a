# SPDX-License-Identifier: Apache-2.0
"""Commands that are called in this process look once at which CPUs share a core."""

from collections.abc import Iterator
from functools import cache

import pytest

from serialprof import preparation


@pytest.fixture(scope="package", autouse=True)
def _pairs_are_probed_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparation, "probe_pairs", cache(preparation.probe_pairs))
        yield
