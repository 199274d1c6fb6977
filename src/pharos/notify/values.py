"""The settings of one integration, by the names that alertmanager.yml has for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from yarl import URL

from pharos.errors import Kind, PharosError
from pharos.notify.message import NotSentError
from pharos.outbound import HttpOptions, SecretText
from pharos.secret import Secret

_LEAST_SECRET: Final = 4
"""Shorter secrets are not looked for in texts: they would be found in any word."""
_LEAST_PATH: Final = 12


class Values:
    """Settings, read by name and kind. A secret is given as `name`, or by a file's path as `name_file`."""

    def __init__(self, given: Mapping[str, Any], seen: set[str] | None = None) -> None:
        self._given = given
        self._seen: set[str] = set() if seen is None else seen
        """Secrets that were read, none of which may be told."""

    def has(self, name: str) -> bool:
        """Return whether something is set that is not empty."""
        return bool(self._given.get(name)) or bool(self._given.get(f"{name}_file"))

    def raw(self, name: str) -> Any:
        """Return what is set, as it stands; None if nothing is."""
        return self._given.get(name)

    def text(self, name: str, default: str = "") -> str:
        """Return text; a secret where one stands instead."""
        found = self._given.get(name)
        if isinstance(found, SecretText | Secret):
            return self.secret(name)
        return default if found is None else str(found)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return whether it is switched on."""
        found = self._given.get(name)
        return default if found is None else bool(found)

    def number(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        found = self._given.get(name)
        return default if found is None else int(found)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(self._revealed(one) for one in self._given.get(name) or ())

    def pairs(self, name: str) -> dict[str, Any]:
        """Return a mapping."""
        return dict(self._given.get(name) or {})

    def part(self, name: str) -> Values:
        """Return a mapping as settings of its own."""
        return Values(self._given.get(name) or {}, self._seen)

    def parts(self, name: str) -> tuple[Values, ...]:
        """Return a list of mappings."""
        return tuple(Values(one, self._seen) for one in self._given.get(name) or ())

    def secret(self, name: str) -> str:
        """Return a secret; empty if none is set.

        Raises NotSentError if its file cannot be read, which may be put right meanwhile.
        """
        found = self._given.get(name)
        path = self._given.get(f"{name}_file")
        if not found and path:
            found = path if isinstance(path, SecretText) else SecretText(path=str(path))
        return self._revealed(found)

    def _revealed(self, found: Any) -> str:
        match found:
            case None:
                return ""
            case SecretText():
                try:
                    text = found.read()
                except PharosError as exc:
                    raise NotSentError(exc.message, may_retry=True) from exc
            case Secret():
                text = found.reveal()
            case _:
                return str(found)
        self._seen.add(text)
        return text

    def http(self) -> HttpOptions:
        """Return who we are to the other side, and how it is reached."""
        found = self._given.get("http_config")
        return found if isinstance(found, HttpOptions) else HttpOptions()

    def masked(self, text: str) -> str:
        """Return text in which no secret of these settings stands any more."""
        hidden = set(self._seen)
        hidden.update(one for found in _secrets(self._given) if (one := found.reveal()))
        for one in sorted(hidden, key=len, reverse=True):
            for part in (one, *_parts_of_address(one)):
                if len(part) >= _LEAST_SECRET:
                    text = text.replace(part, "<secret>")
        return text

    def require_no_files(self) -> None:
        """Raise PharosError(DENIED) if a file of this machine is named, which only its operator may."""
        for name in _named_files(self._given):
            raise PharosError(
                Kind.DENIED, f"{name} names a file of the server, which only its own configuration may"
            )


def _parts_of_address(secret: str) -> Iterator[str]:
    if "://" not in secret:
        return
    try:
        url = URL(secret, encoded=True)
    except ValueError:
        return
    if len(url.raw_path) >= _LEAST_PATH:
        yield url.raw_path_qs
        yield url.raw_path
    yield from (part for part in url.raw_path.split("/") if len(part) >= _LEAST_PATH)
    if url.raw_password:
        yield url.raw_password


def _secrets(found: Any) -> Iterator[Secret]:
    """Find the secrets that stand in settings themselves."""
    match found:
        case Secret():
            yield found
        case SecretText():
            yield found.inline
        case Mapping():
            for one in found.values():
                yield from _secrets(one)
        case list() | tuple():
            for one in found:
                yield from _secrets(one)
        case HttpOptions():
            yield from (
                found.username.inline,
                found.password.inline,
                found.credentials.inline,
                found.proxy_url,
            )
            yield from (value.inline for _, value in found.headers)
        case _:
            return


def _named_files(found: Any, name: str = "") -> Iterator[str]:
    match found:
        case SecretText(path=path) if path:
            yield name
        case str() if found and name.rpartition(".")[2].endswith("_file"):
            yield name
        case Mapping():
            for key, one in found.items():
                yield from _named_files(one, f"{name}.{key}" if name else str(key))
        case list() | tuple():
            for one in found:
                yield from _named_files(one, name)
        case HttpOptions():
            yield from _named_files(
                [found.username, found.password, found.credentials, *(value for _, value in found.headers)],
                "http_config",
            )
            if found.tls.ca_path or found.tls.cert_path or found.tls.key_path:
                yield "tls_config"
        case _:
            return
