# SPDX-License-Identifier: Apache-2.0
"""A step that does nothing: the time that is left is what the engine takes to call into a workload."""

from __future__ import annotations

from collections.abc import Callable

import serialprof


@serialprof.workload(default_depth=1)
def idle(_: serialprof.Setting) -> Callable[[], None]:
    """Nothing."""
    return lambda: None
