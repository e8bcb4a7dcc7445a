# SPDX-License-Identifier: Apache-2.0
"""What this computer is: topology, caches, versions. Read only, no timers."""

from __future__ import annotations

from serialprof.machine.description import Cache, Gpu, Machine
from serialprof.machine.reading import read_machine

__all__ = ["Cache", "Gpu", "Machine", "read_machine"]
