# SPDX-License-Identifier: Apache-2.0
"""Reading a gate's report back from its JSON: typed and strict, one sentence for what is not one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from serialprof.errors import StoreError
from serialprof.gating.records import GateReport

#: Name and version of the document.
SCHEMA: Final = {"name": "serialprof.gate", "version": 1}
#: Keys of the document that are not attributes of the report.
_BESIDE: Final = ("schema", "exit_code")
_REMEDY: Final = "write it with `serialprof gate -o FILE.json`"


def read_report(path: Path) -> GateReport:
    """The report that a gate wrote as JSON.

    Raises:
        StoreError: it cannot be read, is damaged, is no gate's report, or is one of a newer serialprof.
    """
    try:
        document = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise StoreError(f"{path} is no JSON, or damaged", _REMEDY) from None
    _check_kind(path, document)
    plain = {key: value for key, value in _recorded(document).items() if key not in _BESIDE}
    try:
        return msgspec.convert(plain, GateReport)
    except msgspec.ValidationError as error:
        raise StoreError(f"{path} is damaged: {error}", _REMEDY) from None


def _check_kind(path: Path, document: object) -> None:
    """Raises where a document says of itself that it is none of these."""
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, dict) or schema.get("name") != SCHEMA["name"]:
        raise StoreError(f"{path} is no report of a gate", _REMEDY)
    if schema.get("version") != SCHEMA["version"]:
        raise StoreError(
            f"{path} has version {schema.get('version')!r} of the gate's report, and this serialprof reads "
            f"{SCHEMA['version']}",
            "read it with the serialprof that wrote it, or a newer one",
        )


def _recorded(plain: Any) -> Any:
    """The document with estimates as they are recorded: the inverse of `serialprof.model.plain.as_plain`."""
    if isinstance(plain, list):
        return [_recorded(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    told = {key: _recorded(item) for key, item in plain.items()}
    if "what_would_identify_it" in told:
        told["remedy"] = told.pop("what_would_identify_it")
        told.pop("identified", None)
    return told
