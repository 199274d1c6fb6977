"""Schedules, escalation policies, actions and their like that files say, instead of people over the API.

What a file says takes the place of what is kept by that name; what no file says any more, and a file said
before, is taken away. What people define beside it stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from pharos.access import DEFAULT, check_tenant
from pharos.alerting.actions import read_action
from pharos.alerting.escalate import read_policy
from pharos.alerting.oncall.calendar import check_calendar
from pharos.alerting.oncall.schedule import read_schedule
from pharos.document import FaultsError, Fields, Value, load_document
from pharos.errors import PharosError
from pharos.named_file import read_named
from pharos.state import Author, Writing, documents, tenants
from pharos.state.documents import Defined

Said = dict[tuple[str, Defined, str], tuple[Mapping[str, Any], str]]
"""By tenant, kind and name: the document, and the file that says it."""

_WHO: Final = "file:"


def _check_schedule(document: Mapping[str, Any], name: str) -> None:
    for layer in read_schedule(document, name).layers:
        if layer.calendar:
            check_calendar(layer.calendar)


Sections = Mapping[str, tuple[Defined, Callable[[Mapping[str, Any], str], object]]]
"""By the key of a file: what stands there by name, and what refuses a document that is none."""

SECTIONS: Final[Sections] = {
    "schedules": (Defined.SCHEDULE, _check_schedule),
    "escalation_policies": (Defined.ESCALATION, read_policy),
    "actions": (Defined.ACTION, read_action),
}


def read_files(paths: Iterable[Path], sections: Sections = SECTIONS) -> Said:
    """Return what files say in some sections. Raises FaultsError with all that is wrong in any of them."""
    said: Said = {}
    faults: list[PharosError] = []
    for path in paths:
        try:
            _read_file(path, said, sections)
        except FaultsError as exc:
            faults += exc.faults
        except PharosError as exc:
            faults.append(exc)
    if faults:
        raise FaultsError(tuple(faults))
    return said


def _read_file(path: Path, said: Said, sections: Sections) -> None:
    root = load_document(read_named(path), str(path))
    fields = Fields(root, "the file")
    tenant = fields.read("tenant", lambda value: check_tenant(value.text()), DEFAULT.tenant)
    for section, (kind, check) in sections.items():
        value = fields.take(section)
        for name, _, one in () if value is None else value.pairs():
            key = (tenant, kind, name)
            root.source.attempt(partial(_read_one, said, key, one, check), None)
    fields.done()
    root.source.raise_faults()


def _read_one(
    said: Said,
    key: tuple[str, Defined, str],
    value: Value,
    check: Callable[[Mapping[str, Any], str], object],
) -> None:
    plain = value.plain()
    if not isinstance(plain, dict):
        raise value.fault(f"{value.path}: expected a mapping")
    if key in said:
        raise value.fault(f"{value.path}: {said[key][1]} says what it is, too")
    try:
        check(plain, key[2])
    except PharosError as exc:
        raise value.fault(exc.message) from exc
    said[key] = (plain, value.source.name)


def take_over(unit: Writing, said: Said, sections: Sections = SECTIONS) -> None:
    """Keep what files say in some sections, and no longer what they said before.

    Raises PharosError(INVALID).
    """
    known = {one.id for one in tenants.list_tenants(unit)}
    for (tenant, kind, name), (document, file) in said.items():
        if tenant not in known:
            tenants.create_tenant(unit, tenant)
            known.add(tenant)
        unit.author = Author(f"{_WHO}{file}", file)
        documents.put_document(unit, tenant, kind, name, document)
    for kind, _ in sections.values():
        for one in documents.list_documents(unit, kind):
            if one.who.startswith(_WHO) and (one.tenant_id, kind, one.name) not in said:
                unit.author = Author(one.who, one.who_name)
                documents.drop_document(unit, one.tenant_id, kind, one.name)
