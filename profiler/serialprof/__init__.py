# SPDX-License-Identifier: Apache-2.0
"""serialprof tells serial depth from parallel width: where clock speed beats more cores.

The public names are imported on first use, so that `serialprof --help` and a workload's own file stay light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from serialprof._native import region
    from serialprof.calling import plan, run
    from serialprof.catalog import Affine, Description, Stepper, Work, Workload, workload
    from serialprof.errors import SerialprofError
    from serialprof.estimate import Estimate
    from serialprof.live.face import include, live_table, steps
    from serialprof.live.recorder import Recording, recording
    from serialprof.live.view import Live, load_live
    from serialprof.setting import Setting
    from serialprof.view import Run, load

__all__ = [
    "Affine",
    "Description",
    "Estimate",
    "Live",
    "Recording",
    "Run",
    "SerialprofError",
    "Setting",
    "Stepper",
    "Work",
    "Workload",
    "include",
    "live_table",
    "load",
    "load_live",
    "plan",
    "recording",
    "region",
    "run",
    "steps",
    "workload",
]

_HOMES: Final = {
    "Affine": "catalog",
    "Description": "catalog",
    "Estimate": "estimate",
    "Live": "live.view",
    "Recording": "live.recorder",
    "Run": "view",
    "SerialprofError": "errors",
    "Setting": "setting",
    "Stepper": "catalog",
    "Work": "catalog",
    "Workload": "catalog",
    "include": "live.face",
    "live_table": "live.face",
    "load": "view",
    "load_live": "live.view",
    "plan": "calling",
    "recording": "live.recorder",
    "region": "_native",
    "run": "calling",
    "steps": "live.face",
    "workload": "catalog",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'serialprof' has no attribute {name!r}")
    value = getattr(import_module(f"serialprof.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
