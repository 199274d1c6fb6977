"""Files of checks: what they hold, each fault with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, field

from pharos.document import FaultsError, Fields, Value, load_document
from pharos.errors import Kind, PharosError
from pharos.health.check import AnyCheck, Component, read_check, read_component
from pharos.named_file import read_named
from pharos.rules.files import files_of

T = TypeVar("T", AnyCheck, Component)


class Declared(Struct, frozen=True):
    """Checks and components, by name."""

    checks: Mapping[str, AnyCheck] = field(default_factory=dict)
    components: Mapping[str, Component] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Each check as it was written."""
    files: Mapping[str, str] = field(default_factory=dict)
    """By a check's name, the file that it stands in."""


def load_checks(patterns: Iterable[str]) -> Declared:
    """Return what all files that patterns name declare.

    Raises FaultsError with everything that is wrong in any of them, and PharosError for a file that cannot be
    read.
    """
    return read_files(files_of(patterns))


def read_files(paths: Iterable[Path]) -> Declared:
    """Return what files declare together. Raises as `load_checks`."""
    found, faults = _Found(), list[PharosError]()
    for path in paths:
        try:
            _read(load_document(read_named(path), str(path)), found)
        except FaultsError as exc:
            faults += exc.faults
        except PharosError as exc:
            faults.append(exc)
    declared = Declared(found.checks, found.components, found.documents, found.files)
    if not faults:
        faults += _unknown(declared)
    if faults:
        raise FaultsError(tuple(faults))
    return declared


class _Found(Struct):
    checks: dict[str, AnyCheck] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def _read(root: Value, into: _Found) -> None:
    """Add what a file declares. Raises FaultsError with all that is wrong in it."""
    fields = Fields(root, "file of checks")

    def check(value: Value) -> None:
        plain = _plain(value)
        one = _one(value, into.checks, plain, read_check)
        into.documents[one.name], into.files[one.name] = plain, root.source.name

    def component(value: Value) -> None:
        _one(value, into.components, _plain(value), read_component)

    fields.each("checks", check)
    fields.each("components", component)
    fields.done()
    root.source.raise_faults()


def _plain(value: Value) -> dict[str, Any]:
    plain = value.plain(shows_secrets=True)
    if not isinstance(plain, dict):
        raise value.fault("a mapping is expected")
    return plain


def _one(
    value: Value,
    known: dict[str, T],
    plain: Mapping[str, Any],
    read: Callable[[Mapping[str, Any], str], T],
) -> T:
    what = f"{plain.get('name', '?')!s:.80}"
    try:
        found = read(plain, what)
    except PharosError as exc:
        raise value.fault(exc.message, exc.kind) from exc
    if found.name in known:
        raise value.fault(f"{found.name} is declared twice")
    known[found.name] = found
    return found


def _unknown(declared: Declared) -> Iterable[PharosError]:
    """Yield what is named and not there."""
    for one in declared.checks.values():
        for parent in one.depends_on:
            if parent not in declared.checks:
                yield _fault(
                    f"{declared.files[one.name]}: {one.name}: there is no check {parent} to depend on"
                )
    yield from (_fault(message) for message in circles(declared.checks.values()))


def _fault(message: str) -> PharosError:
    return PharosError(Kind.INVALID, message)


def circles(checks: Iterable[AnyCheck]) -> list[str]:
    """Return what is wrong with what depends on what: nothing may depend on itself in a round."""
    parents = {one.name: one.depends_on for one in checks}
    found = []
    for name, above in parents.items():
        seen, waiting = set[str](), list(above)
        while waiting:
            parent = waiting.pop()
            if parent == name:
                found.append(f"{name} depends on itself, by way of others")
                break
            if parent not in seen:
                seen.add(parent)
                waiting += parents.get(parent, ())
    return found
