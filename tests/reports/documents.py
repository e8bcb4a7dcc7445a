# SPDX-License-Identifier: Apache-2.0
"""What every test of a JSON document asks for."""

import json
from typing import Any

import msgspec

from serialprof_reports import schema


def check(name: str, text: str) -> Any:
    """The document; it has the keys of the types, each of its type, and no others."""
    document = json.loads(text)
    known = msgspec.convert(document, schema.document_type(name))
    assert json.loads(msgspec.json.encode(known)) == document
    return document
