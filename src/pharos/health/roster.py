"""What is declared, by files and by people, and where heartbeats come in: read, changed, followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct, field

from pharos.access import DEFAULT
from pharos.errors import Kind, PharosError
from pharos.health.check import AnyCheck
from pharos.health.files import Declared, circles
from pharos.health.monitor import Monitor
from pharos.health.status_book import Book, book_of, kept_pages
from pharos.health.watched import Declaration, Kept, Parsed, Wanted, kept_definitions, wanted
from pharos.labels import labels_of
from pharos.related.checks import Checked
from pharos.state import State, Unit
from pharos.state.documents import Version
from pharos.state.health import all_addresses

Versions: TypeAlias = tuple[Version, ...]


class Roster(Struct):
    """All that is declared."""

    state: State
    monitor: Monitor
    declared: Declared
    """By files."""
    kept: Kept = field(default_factory=Kept)
    addresses: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Tenant and name of a heartbeat by the hash of the secret in its address."""
    wanted: Wanted = field(default_factory=Wanted)
    book: Book = field(default_factory=Book)
    """Status pages."""
    book_number: int = 0
    """Another one whenever that was read anew."""
    _parsed: Parsed = field(default_factory=dict)

    def declare(self, declared: Declared) -> None:
        """Follow what files say from now on."""
        self.declared = declared
        self._apply()

    async def refresh(self) -> None:
        """Follow what people keep by now. Raises PharosError(UNAVAILABLE)."""
        self.kept, self.addresses, (pages, announced) = await self.state.read(_kept)
        self.book, self.book_number = book_of(pages, announced), self.book_number + 1
        self._apply()

    def _apply(self) -> None:
        self.wanted = wanted(self.declared, self.kept, self._parsed)
        self.monitor.apply(self.wanted)

    def of(self, tenant: str) -> dict[str, Declaration]:
        """Return all checks of a tenant by name, those that are switched off too."""
        found = {key[1]: one for key, one in self.wanted.checks.items() if key[0] == tenant}
        return dict(sorted(found.items()))

    def looked_at(self, tenant: str) -> dict[str, Checked]:
        """Return what the checks of a tenant look at, by name."""
        return {name: _looked_at(one.check) for name, one in self.of(tenant).items()}

    def file_of(self, tenant: str, name: str) -> str:
        """Return the file in which a check stands; empty where none does."""
        return self.declared.files.get(name, "") if tenant == DEFAULT.tenant else ""

    def require_kept(self, tenant: str, name: str) -> None:
        """Raise PharosError(INVALID) for a check of a file, which is changed there."""
        file = self.file_of(tenant, name)
        if file:
            raise PharosError(Kind.INVALID, f"the check {name} stands in {file}", hint="change it there")

    def require_parents(self, tenant: str, check: AnyCheck) -> None:
        """Raise PharosError(INVALID) where a check would depend on what is not there, or on itself."""
        known = {name: one.check for name, one in self.of(tenant).items()}
        for parent in check.depends_on:
            if parent not in known:
                raise PharosError(Kind.INVALID, f"depends_on: there is no check {parent}")
        found = circles([*({**known, check.name: check}).values()])
        if found:
            raise PharosError(Kind.INVALID, f"depends_on: {found[0]}")

    def slug_of(self, tenant: str) -> str:
        """Return the address of a tenant's public status page; `-`, at which nothing is, without one."""
        page = self.book.pages.get(tenant)
        return page.slug if page is not None and page.public else "-"

    def has_address(self, tenant: str, name: str) -> bool:
        """Return whether a heartbeat has an address at which it comes in."""
        return (tenant, name) in self.addresses.values()


def _looked_at(check: AnyCheck) -> Checked:
    host = getattr(check, "host", "") or urlsplit(getattr(check, "url", "")).hostname or ""
    return Checked(check.title, labels_of(check.labels), check.component, host)


def _kept(unit: Unit) -> tuple[Kept, dict[str, tuple[str, str]], tuple[Versions, Versions]]:
    return kept_definitions(unit), all_addresses(unit), kept_pages(unit)
