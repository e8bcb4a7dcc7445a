# SPDX-License-Identifier: Apache-2.0
"""serialprof tells serial depth from parallel width: where clock speed beats more cores.

The public names are imported on first use, so that `serialprof --help` and a workload's own file stay light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from serialprof.calling import plan, run
    from serialprof.catalog import Affine, Description, Stepper, Work, Workload, workload
    from serialprof.errors import SerialprofError
    from serialprof.estimate import Estimate
    from serialprof.setting import Setting
    from serialprof.view import Run, load

__all__ = [
    "Affine",
    "Description",
    "Estimate",
    "Run",
    "SerialprofError",
    "Setting",
    "Stepper",
    "Work",
    "Workload",
    "load",
    "plan",
    "run",
    "workload",
]

_HOMES: Final = {
    "Affine": "catalog",
    "Description": "catalog",
    "Estimate": "estimate",
    "Run": "view",
    "SerialprofError": "errors",
    "Setting": "setting",
    "Stepper": "catalog",
    "Work": "catalog",
    "Workload": "catalog",
    "load": "view",
    "plan": "calling",
    "run": "calling",
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
