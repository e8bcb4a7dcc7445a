# SPDX-License-Identifier: Apache-2.0
"""What there is to call in `serialprof._native`, read off its stub: a new core is called without being listed."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import serialprof


@dataclass(frozen=True)
class Parameter:
    """One parameter; its type as the stub writes it."""

    name: str
    annotation: str
    optional: bool


@dataclass(frozen=True)
class Call:
    """A function, or a method of a class; a property takes no parameters and is not called."""

    name: str
    parameters: tuple[Parameter, ...]
    is_property: bool = False


@dataclass(frozen=True)
class Kind:
    """A class: how one is made, and what it offers."""

    name: str
    init: Call | None  # None where Python cannot make one
    offers: tuple[Call, ...]


def called(function: ast.FunctionDef) -> Call:
    """One function or method of the stub."""
    arguments = [argument for argument in function.args.posonlyargs + function.args.args if argument.arg != "self"]
    optional = len(arguments) - len(function.args.defaults)
    return Call(
        function.name,
        tuple(
            Parameter(argument.arg, ast.unparse(argument.annotation) if argument.annotation else "Any", at >= optional)
            for at, argument in enumerate(arguments)
        ),
        any(isinstance(mark, ast.Name) and mark.id == "property" for mark in function.decorator_list),
    )


def native() -> tuple[list[Kind], list[Call]]:
    """The classes and the functions of the native module."""
    stub = Path(serialprof.__file__).with_name("_native.pyi")
    kinds, functions = [], []
    for part in ast.parse(stub.read_text()).body:
        if isinstance(part, ast.FunctionDef):
            functions.append(called(part))
        elif isinstance(part, ast.ClassDef):
            calls = [called(inner) for inner in part.body if isinstance(inner, ast.FunctionDef)]
            init = next((call for call in calls if call.name == "__init__"), None)
            kinds.append(Kind(part.name, init, tuple(call for call in calls if call is not init)))
    return kinds, functions
