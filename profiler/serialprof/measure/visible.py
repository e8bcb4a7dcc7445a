# SPDX-License-Identifier: Apache-2.0
"""Looks into the state that a stepper reaches: its variables, attributes, globals, and the arrays and tensors in them.

What is compiled and tells nothing of itself is opaque: then nothing can be said from what is seen.
"""

from __future__ import annotations

import dis
import hashlib
import random
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.machinery import BYTECODE_SUFFIXES, SOURCE_SUFFIXES
from typing import Any, Final

from serialprof.measure.observation import State
from serialprof.setting import Setting

#: Most objects and bytes that are looked at; a state beyond them is not seen whole.
_MOST_OBJECTS: Final = 100_000
_MOST_BYTES: Final = 64 << 20
_DEEPEST: Final = 100
#: Most parts that are told apart, most levels down to one, and most items of a container that are parts of their own.
_MOST_PARTS: Final = 1000
_DEEPEST_PART: Final = 8
_MOST_ITEMS: Final = 64
_MOST_NAME: Final = 40  # characters of one key
_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE of <object.h>
_SOURCES: Final = (*SOURCE_SUFFIXES, *BYTECODE_SUFFIXES)
_PLAIN: Final = (type(None), bool, int, float, complex, str, bytes, range, slice, type(Ellipsis))
#: Modules without a state of their own that a step could advance, beside the standard library's.
_STATELESS: Final = frozenset({"numpy", "torch", "serialprof"})
#: Modules of the standard library that do have one.
_STATEFUL: Final = frozenset({"random"})


def see_state(stepper: object) -> State:
    """What can be seen of the state that a stepper, or a function that runs one step, reaches."""
    parts: dict[str, str] = {}
    whole = True
    look = _Look()
    for name, value in _leaves("", stepper, set(), 0):
        look.opaque = False
        parts[name] = look.digest(value)
        whole = whole and not look.opaque
        if len(parts) >= _MOST_PARTS:
            return State(parts, False)
    return State(parts, whole)


def _leaves(path: str, value: object, seen: set[int], depth: int) -> Iterator[tuple[str, object]]:
    """What a value is made of, down to what is looked at as a whole, each under the name of its place, and once."""
    if not isinstance(value, _PLAIN):
        if id(value) in seen:
            return
        seen.add(id(value))
    children = _children(value) if depth < _DEEPEST_PART and not isinstance(value, Setting) else None
    if children is None:
        yield path.lstrip(".") or type(value).__name__, value
        return
    for name, child in children:
        yield from _leaves(f"{path}{name}", child, seen, depth + 1)


def _children(value: object) -> list[tuple[str, object]] | None:
    """The parts of a value by their names; None for what has none, or is one thing: a number, an array, a long list."""
    if isinstance(value, (list, tuple, dict)):
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
        few = len(pairs) <= _MOST_ITEMS and not all(isinstance(item, _PLAIN) for _, item in pairs)
        return [(f"[{key!r}]"[:_MOST_NAME], item) for key, item in pairs] if few else None
    if _array_bytes(value) is not None:
        return None
    if isinstance(value, (types.FunctionType, types.MethodType, partial)) or _attributes(value) is not None:
        return [(f".{name}", part) for name, part in _named(value)]
    return None


def _named(root: object) -> Iterator[tuple[str, object]]:
    """The variables and attributes that a function or an instance holds, by the names that its author gave them."""
    if isinstance(root, partial):
        yield from _named(root.func)
        yield "args", root.args
        yield "keywords", root.keywords
    elif isinstance(root, types.MethodType):
        yield "self", root.__self__
        yield from _named(root.__func__)
    elif isinstance(root, types.FunctionType):
        yield from _variables(root)
    elif (attributes := _attributes(root)) is not None:
        yield from attributes.items()
        for function in _methods(root):
            yield from _variables(function)
    else:
        yield "function", root


def _variables(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    """Closure variables, defaults and globals that a function uses; functions among them are looked into in turn."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not bound yet
            continue
    if function.__defaults__ is not None:
        yield "defaults", function.__defaults__
    if function.__kwdefaults__ is not None:
        yield "keyword_defaults", function.__kwdefaults__
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]


def _names(code: types.CodeType) -> Iterable[str]:
    """Globals that a function's code reads, those of functions inside it included."""
    names = dict.fromkeys(each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL")
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            names.update(dict.fromkeys(_names(inner)))
    return names


def _attributes(value: object) -> dict[str, Any] | None:
    """The attributes of an instance of a class that is written in Python; None for what tells nothing of itself."""
    bases = type(value).__mro__[:-1]
    if not bases or not all(map(_written_in_python, bases)):
        return None
    slots = {name: getattr(value, name) for base in bases for name in _slots(base) if hasattr(value, name)}
    return {**getattr(value, "__dict__", {}), **slots}


def _written_in_python(cls: type) -> bool:
    """Whether a class comes from a class statement: one that is compiled keeps a state that is not seen."""
    source = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return bool(cls.__flags__ & _HEAP_TYPE) and source.endswith(_SOURCES)


def _slots(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _methods(value: object) -> Iterator[types.FunctionType]:
    """The functions of a stepper that a run goes through."""
    for name in ("run", "__call__"):
        function = getattr(type(value), name, None)
        if isinstance(function, types.FunctionType):
            yield function


class _Look:
    """Digests values; remembers what it saw, so that what refers to itself ends.

    Attributes:
        opaque: set where something could not be looked into.
    """

    def __init__(self) -> None:
        self.opaque = False
        self._objects = 0
        self._bytes = 0
        self._path: set[int] = set()

    def digest(self, value: object) -> str:
        """A digest of a value and of what it holds."""
        code = hashlib.blake2b(digest_size=12)
        self._add(value, code.update)
        return code.hexdigest()

    def _add(self, value: object, add: Callable[[bytes], None]) -> None:
        self._objects += 1
        if self._objects > _MOST_OBJECTS or len(self._path) > _DEEPEST:
            self.opaque = True
        elif isinstance(value, _PLAIN):
            add(f"{type(value).__name__}:{value!r};".encode(errors="backslashreplace"))
        elif isinstance(value, Setting) or id(value) in self._path:
            add(b"known;")
        else:
            self._path.add(id(value))
            try:
                self._add_object(value, add)
            finally:
                self._path.discard(id(value))

    def _add_object(self, value: object, add: Callable[[bytes], None]) -> None:
        if (content := _array_bytes(value)) is not None:
            size, read = content
            self._bytes += size
            if self._bytes > _MOST_BYTES:
                self.opaque = True
            else:
                add(read())
        elif isinstance(value, dict):
            self._add_all((item for pair in value.items() for item in pair), "dict", add)
        elif isinstance(value, (list, tuple, deque)):
            self._add_all(value, type(value).__name__, add)
        elif isinstance(value, (set, frozenset)):  # in an order of its own in every process
            self._add_all(sorted(map(self.digest, value)), "set", add)
        elif isinstance(value, random.Random):
            self._add(value.getstate(), add)
        elif isinstance(value, types.ModuleType):
            self._add_module(value, add)
        elif isinstance(value, types.BuiltinFunctionType):
            self._add(value.__self__, add)
        elif isinstance(value, type) and value.__module__ == "builtins":
            add(value.__name__.encode())
        else:
            self._add_parts(value, add)

    def _add_all(self, values: Iterable[object], kind: str, add: Callable[[bytes], None]) -> None:
        add(f"{kind}(".encode())
        for value in values:
            self._add(value, add)
        add(b")")

    def _add_module(self, module: types.ModuleType, add: Callable[[bytes], None]) -> None:
        name = module.__name__.partition(".")[0]
        add(module.__name__.encode())
        known = name in _STATELESS or name in sys.stdlib_module_names
        self.opaque = self.opaque or not known or name in _STATEFUL

    def _add_parts(self, value: object, add: Callable[[bytes], None]) -> None:
        """A function or an instance: its variables or attributes."""
        if type(value).__module__ == "numpy" and type(value).__name__ in ("ufunc", "dtype"):
            return
        functions = (types.FunctionType, types.MethodType, partial)
        named = _named(value) if isinstance(value, functions) or _attributes(value) is not None else None
        if named is None:
            self.opaque = True
            return
        for name, part in named:
            add(name.encode())
            self._add(part, add)


def _array_bytes(value: object) -> tuple[int, Callable[[], bytes]] | None:
    """How many bytes an array, tensor or buffer holds, and what reads them; None for anything else."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        return None if value.dtype.hasobject else (value.nbytes, value.tobytes)
    if numpy is not None and isinstance(value, numpy.random.Generator):
        return 0, lambda: repr(value.bit_generator.state).encode()
    if torch is not None and isinstance(value, torch.Tensor):
        return _tensor_bytes(value, torch)
    if isinstance(value, (bytearray, memoryview)) or type(value).__module__ == "array":
        return len(memoryview(value)), lambda: bytes(value)  # type: ignore[call-overload, arg-type]
    return None


def _tensor_bytes(tensor: Any, torch: Any) -> tuple[int, Callable[[], bytes]] | None:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type not in ("cpu", "cuda"):
        return None

    def read() -> bytes:
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        return bytes(flat.view(torch.uint8).numpy().tobytes()) if flat.numel() else b""

    return tensor.numel() * tensor.element_size(), read
