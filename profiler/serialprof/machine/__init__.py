# SPDX-License-Identifier: Apache-2.0
"""What this computer is: topology, caches, versions. Read only, no timers.

The records stand here; `machine.reading` fills them in. A stored run needs only the records, so that it can be reported
on where neither the extension nor NVML can be loaded.
"""

from __future__ import annotations

from serialprof.machine.description import Cache, Gpu, Machine

__all__ = ["Cache", "Gpu", "Machine"]
