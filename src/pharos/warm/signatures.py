"""With which types of arguments each kernel is called, as text: `signatures.json` lists them all.

A type is a text: `int64`, `float64[2]` for an array of two dimensions, `uint8[1] const` for one that is only
read. A tuple is a list that begins with its class as `module:name`, or with "" when it has none.
`first` is what the first page needs, the longest to compile first; `rest` is all else.
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from msgspec import Struct
from numba import types

from pharos.compiled.kernel import Kernel

FILE: Final = Path(__file__).with_name("signatures.json")
_ARRAY: Final = re.compile(r"(\w+)\[(\d)\]( const)?")


class Signature(Struct, frozen=True):
    """One kernel with the types of its arguments."""

    kernel: str
    arguments: tuple[Any, ...]
    first: bool

    def find(self) -> Kernel:
        """Return the kernel, importing its module."""
        module, name = self.kernel.split(":")
        found = getattr(_imported(module), name)
        assert isinstance(found, Kernel)  # noqa: S101 - the list is held to the code by a test
        return found

    def is_kept(self) -> bool:
        """Return whether there is code for it on disk."""
        return self.find().is_kept(self.arguments)


def read_signatures() -> list[Signature]:
    """Return all signatures, in the order in which they are wanted."""
    listed = json.loads(FILE.read_text())
    return [
        Signature(kernel, tuple(map(_type, arguments)), group == "first")
        for group in ("first", "rest")
        for kernel, *arguments in listed[group]
    ]


def signature_text(kernel: Kernel, arguments: tuple[Any, ...]) -> list[Any]:
    """Return a line of the list."""
    return [kernel.path, *map(_text, arguments)]


def _imported(module: str) -> ModuleType:
    return importlib.import_module(module)  # noqa: TID251 - the list names modules of every layer


def _type(text: Any) -> Any:
    if isinstance(text, list):
        members = [_type(member) for member in text[1:]]
        return _named(text[0], members) if text[0] else types.Tuple(members)
    array = _ARRAY.fullmatch(text)
    if array is None:
        return getattr(types, text)
    return types.Array(getattr(types, array[1]), int(array[2]), "C", readonly=array[3] is not None)


def _named(path: str, members: list[Any]) -> Any:
    module, name = path.split(":")
    record = getattr(_imported(module), name)
    homogeneous = len(set(members)) == 1
    if homogeneous:
        return types.NamedUniTuple(members[0], len(members), record)
    return types.NamedTuple(members, record)


def _text(kind: Any) -> Any:
    if isinstance(kind, types.BaseTuple):
        record = getattr(kind, "instance_class", None)
        return [f"{record.__module__}:{record.__qualname__}" if record else "", *map(_text, kind.types)]
    if isinstance(kind, types.Array):
        assert kind.layout == "C"  # noqa: S101 - kernels take nothing else
        return f"{kind.dtype.name}[{kind.ndim}]{'' if kind.mutable else ' const'}"
    return "boolean" if kind is types.boolean else str(kind)
