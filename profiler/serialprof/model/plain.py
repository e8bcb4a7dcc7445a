# SPDX-License-Identifier: Apache-2.0
"""Records as plain dictionaries and lists for JSON, with what every estimate says of its own identification."""

from __future__ import annotations

from dataclasses import fields
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from serialprof.estimate import Estimate

if TYPE_CHECKING:
    from serialprof.machine import Machine

_ESTIMATE: Final = frozenset(field.name for field in fields(Estimate))


def as_plain(record: object) -> Any:
    """A record as dictionaries, lists, strings and numbers.

    An estimate becomes {value, low, high, unit, level, identified, reason, what_would_identify_it}. That no number of
    threads equals a faster clock is an answer: identified, without a value.
    """
    import msgspec

    return _told(msgspec.to_builtins(record, str_keys=True, enc_hook=_number))


def machine_as_plain(machine: Machine) -> dict[str, Any]:
    """A machine as dictionaries, with what follows from it: how many threads and cores can be used."""
    return {**as_plain(machine), "usable": machine.usable, "cores": machine.cores}


def _number(value: object) -> float:
    """A number of another library, which msgspec knows by its exact type alone: numpy's floats are Python's, too."""
    if isinstance(value, float):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no plain form")


def _told(plain: Any) -> Any:
    if isinstance(plain, list | tuple):
        return [_told(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    if plain.keys() != _ESTIMATE:
        told = {key: _told(item) for key, item in plain.items()}
        if told.get("never") is True:
            told["equal"]["identified"] = True
        return told
    known = {name: plain[name] for name in ("value", "low", "high", "unit", "level")}
    identified = plain["value"] is not None and isfinite(plain["value"])
    return known | {"identified": identified, "reason": plain["reason"], "what_would_identify_it": plain["remedy"]}
