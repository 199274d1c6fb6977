"""The HTTP client fields of a scrape_config, a discovery section or a receiver (prometheus/common
config/http_config.go).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pharos.document import Fields, Value
from pharos.errors import Kind
from pharos.http_options import TLS_VERSIONS, HttpOptions, OAuth2, SecretText, TlsOptions
from pharos.secret import Secret

_RESERVED_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "user-agent",
        "www-authenticate",
        "x-prometheus-scrape-timeout-seconds",
    }
)
_ESCAPE_UNFIT: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_NOT_SERVED: Final = {
    "oauth2": "scraping with OAuth 2 is not supported; use authorization with credentials_file",
    "proxy_from_environment": "taking the proxy from the environment is not supported; write proxy_url",
    "no_proxy": "exceptions from the proxy are not supported; leave proxy_url out of the jobs that need none",
    "proxy_connect_header": "headers for the proxy are not supported",
}


def join(base_dir: Path, path: str) -> str:
    """Return a path of a configuration file, relative ones seen from the file's folder."""
    return str(base_dir / path) if path else ""


def read_http(fields: Fields, base_dir: Path, *, notes: bool = False) -> HttpOptions:
    """Take the HTTP client's fields out of `fields` and return them.

    Raises PharosError: INVALID for what Prometheus refuses, UNSUPPORTED for what Pharos cannot do, of which
    only a notice is kept with `notes`.
    """
    oauth2 = fields.take("oauth2") if notes else None
    for name, reason in _NOT_SERVED.items():
        value = fields.take(name)
        if value is not None and not (name == "proxy_from_environment" and not value.boolean()):
            if not notes:
                raise value.fault(f"{name}: {reason}", Kind.UNSUPPORTED)
            value.source.note(value.line, f"{name}: {reason}")
    fields.read("enable_http2", Value.boolean, default=True)
    if oauth2 is not None:
        for name in ("basic_auth", "authorization"):
            if fields.has(name):
                raise oauth2.fault(f"at most one of {name} & oauth2 must be configured")
    username, password, has_basic = _basic_auth(fields, base_dir)
    kind, credentials = _authorization(fields, base_dir, has_basic)
    return HttpOptions(
        username=username,
        password=password,
        authorization_type=kind,
        credentials=credentials,
        headers=_headers(fields, base_dir),
        tls=_tls(fields, base_dir, notes=notes),
        follow_redirects=fields.read("follow_redirects", Value.boolean, default=True),
        proxy_url=_proxy(fields, notes=notes),
        oauth2=None if oauth2 is None else _oauth2(oauth2, base_dir),
    )


def _oauth2(value: Value, base_dir: Path) -> OAuth2:
    fields = Fields(value, "oauth2")
    client_id = fields.read("client_id", Value.text, "")
    secret = _either(fields, "client_secret", base_dir, "oauth2")
    token_url = fields.read("token_url", Value.text, "")
    found = OAuth2(
        client_id=client_id,
        client_secret=secret,
        token_url=token_url,
        scopes=fields.texts("scopes"),
        endpoint_params=tuple(fields.group("endpoint_params").items()),
        tls=_tls(fields, base_dir, notes=True),
        proxy_url=_proxy(fields, notes=True),
    )
    for name, reason in _NOT_SERVED.items():
        other = fields.take(name)
        if other is not None and name != "oauth2":
            other.source.note(other.line, f"oauth2: {name}: {reason}")
    fields.done()
    for name, text in (("client_id", client_id), ("token_url", token_url)):
        if not text:
            raise value.fault(f"oauth2 {name} must be configured")
    return found


def _either(fields: Fields, name: str, base_dir: Path, section: str) -> SecretText:
    """Return a field that may be given inline, by `_file` or (not served) by `_ref`."""
    inline = fields.take(name)
    path = fields.take(f"{name}_file")
    ref = fields.take(f"{name}_ref")
    if ref is not None:
        raise ref.fault(f"{section}: {name}_ref is not supported; use {name}_file", Kind.UNSUPPORTED)
    if inline is not None and path is not None and inline.text() and path.text():
        raise path.fault(f"at most one of {section} {name} & {name}_file must be configured")
    return SecretText(
        inline.secret() if inline is not None else Secret(""),
        join(base_dir, path.text()) if path is not None else "",
    )


def _basic_auth(fields: Fields, base_dir: Path) -> tuple[SecretText, SecretText, bool]:
    value = fields.take("basic_auth")
    if value is None:
        return SecretText(), SecretText(), False
    inner = Fields(value, "basic_auth")
    username = _either(inner, "username", base_dir, "basic_auth")
    password = _either(inner, "password", base_dir, "basic_auth")
    inner.done()
    return username, password, True


def _authorization(fields: Fields, base_dir: Path, has_basic: bool) -> tuple[str, SecretText]:
    """Return (type, credentials) from authorization, bearer_token or bearer_token_file."""
    section = fields.take("authorization")
    bearers = [(name, fields.take(name)) for name in ("bearer_token", "bearer_token_file")]
    given = [(name, value) for name, value in bearers if value is not None and value.text()]
    if section is None and not given:
        return "", SecretText()
    if section is None:
        name, value = given[0]
        if len(given) > 1:
            raise given[1][1].fault("at most one of bearer_token & bearer_token_file must be configured")
        if has_basic:
            raise value.fault(f"at most one of basic_auth & {name} must be configured")
        path = value.text() if name == "bearer_token_file" else ""
        return "Bearer", SecretText(Secret("") if path else value.secret(), join(base_dir, path))
    if given:
        raise section.fault("authorization is not compatible with bearer_token & bearer_token_file")
    if has_basic:
        raise section.fault("at most one of basic_auth & authorization must be configured")
    inner = Fields(section, "authorization")
    kind = inner.read("type", Value.text, "").strip() or "Bearer"
    if kind.lower() == "basic":
        raise section.fault('authorization type cannot be set to "basic", use "basic_auth" instead')
    credentials = _either(inner, "credentials", base_dir, "authorization")
    inner.done()
    return kind, credentials


def _headers(fields: Fields, base_dir: Path) -> tuple[tuple[str, SecretText], ...]:
    """Return the http_headers section; a name with several values keeps the last."""
    section = fields.take("http_headers")
    if section is None:
        return ()
    found: list[tuple[str, SecretText]] = []
    for name, line, value in section.pairs():
        if name.lower() in _RESERVED_HEADERS:
            raise value.source.fault(line, f"setting header {name!r} is not allowed")
        inner = Fields(value, "http_headers")
        values = [SecretText(Secret(text)) for text in inner.texts("values")]
        secrets = inner.take("secrets")
        values += [SecretText(one.secret()) for one in (secrets.items() if secrets is not None else ())]
        values += [SecretText(path=join(base_dir, text)) for text in inner.texts("files")]
        inner.done()
        if values:
            found.append((name, values[-1]))
    return tuple(found)


def _tls(fields: Fields, base_dir: Path, *, notes: bool) -> TlsOptions:
    value = fields.take("tls_config")
    return TlsOptions() if value is None else read_tls(value, base_dir, notes=notes)


def read_tls(value: Value, base_dir: Path, *, notes: bool = False) -> TlsOptions:
    """Return a tls_config section; raises as `read_http` does."""
    inner = Fields(value, "tls_config")
    has_other = False
    for name in ("ca_ref", "cert_ref", "key_ref"):
        given = inner.take(name)
        if given is not None:
            has_other = True
            given.secret()
            if not notes:
                raise given.fault(f"tls_config: {name} is not supported; use a file", Kind.UNSUPPORTED)
            given.source.note(given.line, f"tls_config: {name} is not supported; use a file")
    key = inner.take("key")
    options = TlsOptions(
        ca=inner.read("ca", Value.text, ""),
        ca_path=join(base_dir, inner.read("ca_file", Value.text, "")),
        cert=inner.read("cert", Value.text, ""),
        key=key.secret() if key is not None else Secret(""),
        cert_path=join(base_dir, inner.read("cert_file", Value.text, "")),
        key_path=join(base_dir, inner.read("key_file", Value.text, "")),
        server_name=inner.read("server_name", Value.text, ""),
        insecure_skip_verify=inner.read("insecure_skip_verify", Value.boolean, default=False),
        min_version=_version(inner, "min_version"),
        max_version=_version(inner, "max_version"),
    )
    inner.done()
    if options.ca and options.ca_path:
        raise value.fault("at most one of ca & ca_file must be configured")
    if options.cert and options.cert_path:
        raise value.fault("at most one of cert & cert_file must be configured")
    if options.key and options.key_path:
        raise value.fault("at most one of key & key_file must be configured")
    if not has_other and bool(options.cert_path or options.cert) != bool(options.key_path or options.key):
        raise value.fault("a certificate and a key are needed, of cert or cert_file and key or key_file")
    return options


def _version(fields: Fields, name: str) -> str:
    value = fields.take(name)
    if value is None:
        return ""
    if value.text() not in TLS_VERSIONS:
        raise value.fault(f"unknown TLS version: {value.text()}")
    return value.text()


def _proxy(fields: Fields, *, notes: bool) -> Secret:
    """Return the proxy's address, a secret because it may hold a password."""
    value = fields.take("proxy_url")
    if value is None or not value.text():
        return Secret("")
    try:
        parts = urlsplit(value.text())
        scheme, host = parts.scheme, "" if _ESCAPE_UNFIT.search(parts.netloc) else parts.hostname
    except ValueError:
        scheme, host = "", None
    if scheme not in {"http", "https"} or not host:
        written = value.text()
        if written.startswith(":") or _ESCAPE_UNFIT.search(written):
            raise value.fault("proxy_url: it is no URL")
        message = "proxy_url: only http and https proxies are supported"
        if not notes:
            raise value.fault(message, Kind.UNSUPPORTED)
        value.source.note(value.line, message)
    return value.secret()
