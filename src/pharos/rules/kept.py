"""Rules that people keep here, beside those of files; what a file would have to say for a change."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.named_file import read_named
from pharos.rules.conditions import NAMESPACE, condition_of
from pharos.rules.spec import RuleGroup, group_of, plain_group
from pharos.state import Unit
from pharos.state.documents import Defined, Version, list_documents
from pharos.state.tenants import list_tenants

_LOG = logging.getLogger(__name__)

_NAME_MOST: Final = 45
"""Characters of a namespace or of a group's name: both together are the name of a document."""


def document_name(namespace: str, group: str) -> str:
    """Return under what a group is kept. Raises PharosError(INVALID) for names that cannot be kept."""
    for what, name in (("namespace", namespace), ("group", group)):
        is_good = name and len(name) <= _NAME_MOST and name.isprintable() and name == name.strip()
        if not is_good or "/" in name or name in {".", ".."}:
            raise PharosError(
                Kind.INVALID,
                f"{name[:60]!r} is no name of a {what} of rules",
                hint=f"1 to {_NAME_MOST} printable characters without a slash",
            )
    if namespace == NAMESPACE:
        raise PharosError(
            Kind.INVALID, f"the namespace {NAMESPACE} is that of conditions", hint="choose another one"
        )
    return f"{namespace}/{group}"


def kept_group(version: Version) -> RuleGroup:
    """Return the group of a kept document. Raises FaultsError, PharosError(INVALID)."""
    if version.document is None:
        raise PharosError(Kind.MISSING, f"there is no {version.kind} {version.name!r}")
    if version.kind is Defined.CONDITION:
        return condition_of(version.document).group()
    namespace, _, name = version.name.partition("/")
    return replace(group_of({**version.document, "name": name}, version.name), file=namespace, line=0)


def checked_group(namespace: str, name: str, plain: Mapping[str, Any]) -> RuleGroup:
    """Return a group that somebody wrote, by the checks of rule files. Raises FaultsError."""
    return replace(group_of({**plain, "name": name}, f"{namespace}/{name}"), file=namespace)


class Kept(Struct, frozen=True):
    """What people keep of rules."""

    groups: Mapping[str, list[RuleGroup]]
    """By tenant."""
    closed: frozenset[str]
    """Tenants of which nothing is evaluated: they are suspended, or deleted."""


def kept_groups(unit: Unit) -> Kept:
    """Return the groups of all tenants; one that cannot be read any more is told of, and left out."""
    closed = frozenset(
        one.id
        for one in list_tenants(unit, deleted=True)
        if one.suspended_ms is not None or one.deleting_ms is not None or one.deleted_ms is not None
    )
    found: dict[str, list[RuleGroup]] = {}
    for version in (*list_documents(unit, Defined.RULES), *list_documents(unit, Defined.CONDITION)):
        if version.tenant_id in closed:
            continue
        try:
            found.setdefault(version.tenant_id, []).append(kept_group(version))
        except PharosError as exc:
            _LOG.warning(
                "%s %r of %s is not evaluated: %s", version.kind, version.name, version.tenant_id, exc
            )
    return Kept(found, closed)


def as_yaml(group: RuleGroup) -> str:
    """Return a group as it would stand in a rule file."""
    text: str = yaml.safe_dump([plain_group(group)], sort_keys=False, allow_unicode=True, width=110)
    return text


def file_diff(path: Path, group: RuleGroup, wanted: RuleGroup | None, groups: Iterable[RuleGroup]) -> str:
    """Return the change of a rule file that makes a group of it another one, or takes it away.

    It names the file as the configuration does, so that it applies where that stands, and by its name alone
    where the path is absolute. `groups` are all of the file. Raises PharosError when the file cannot be read.
    """
    before = read_named(path).decode().splitlines(keepends=True)
    after = sorted(one.line for one in groups if one.line > group.line)
    first, last = group.line - 1, (after[0] - 1 if after else len(before))
    indent = before[first][: len(before[first]) - len(before[first].lstrip())]
    lines = [] if wanted is None else [f"{indent}{line}\n" for line in as_yaml(wanted).splitlines()]
    changed = [*before[:first], *lines, *before[last:]]
    name = path.name if path.is_absolute() else path.as_posix()
    return "".join(difflib.unified_diff(before, changed, f"a/{name}", f"b/{name}"))
