# SPDX-License-Identifier: Apache-2.0
"""Records as plain dictionaries and lists."""

from __future__ import annotations

import numpy as np
import pytest

from serialprof.estimate import Estimate
from serialprof.model.plain import as_plain


def test_numbers_of_numpy_are_plain_numbers() -> None:
    plain = as_plain({"step": Estimate(1.0, np.float64(0.5), float(np.float64(2.0)))})
    assert plain["step"]["low"] == 0.5 and type(plain["step"]["low"]) is float


def test_what_has_no_plain_form_is_named() -> None:
    with pytest.raises(TypeError, match="ndarray has no plain form"):
        as_plain([np.zeros(2)])
