"""Who we are to the other side of an HTTP request and how we reach it: credentials, TLS, the proxy.

The words alone, for whoever reads a configuration; `outbound` does what they say.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.named_file import read_named
from pharos.secret import Secret

_SECRET_MAX_BYTES: Final = 1 << 20
_CERTIFICATES_MAX_BYTES: Final = 16 << 20

TLS_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


class SecretText(Struct, frozen=True):
    """A secret given inline or by the path of a file, which is read at each use so that rotation is seen."""

    inline: Secret = field(default_factory=lambda: Secret(""))
    path: str = ""

    def read(self) -> str:
        """Return the secret; a file's surrounding blanks are cut.

        Raises PharosError(INVALID) that names the file, never its content, if it cannot be read.
        """
        if not self.path:
            return self.inline.reveal()
        try:
            return read_named(Path(self.path), _SECRET_MAX_BYTES).decode().strip()
        except (PharosError, UnicodeDecodeError) as exc:
            reason = str(exc) if isinstance(exc, PharosError) else f"{self.path}: it is not UTF-8 text"
            raise PharosError(Kind.INVALID, f"cannot read the secret file: {reason}") from exc

    def __bool__(self) -> bool:
        return bool(self.inline) or bool(self.path)


class TlsOptions(Struct, frozen=True):
    """How to speak TLS; certificates by path or inline (PEM), the system's authorities if none is given."""

    ca: str = ""
    ca_path: str = ""
    cert: str = ""
    key: Secret = field(default_factory=lambda: Secret(""))
    cert_path: str = ""
    key_path: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: str = ""
    max_version: str = ""

    def context(self) -> ssl.SSLContext:
        """Return the TLS context; raises PharosError(INVALID) naming the file that does not serve."""
        named = self.ca_path or self.cert_path or self.key_path
        for path in filter(None, (self.ca_path, self.cert_path, self.key_path)):
            read_named(Path(path), _CERTIFICATES_MAX_BYTES)
        try:
            context = ssl.create_default_context(cafile=self.ca_path or None, cadata=self.ca or None)
            if self.cert_path or self.cert:
                named = f"{self.cert_path or 'cert'} and {self.key_path or 'key'}"
                with ExitStack() as files:
                    context.load_cert_chain(
                        self.cert_path or files.enter_context(_as_file(self.cert)),
                        self.key_path or files.enter_context(_as_file(self.key.reveal())),
                        password="",
                    )
        except (OSError, ssl.SSLError) as exc:
            raise PharosError(Kind.INVALID, f"cannot use the TLS files {named}: {exc}") from exc
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.min_version:
            context.minimum_version = TLS_VERSIONS[self.min_version]
        if self.max_version:
            context.maximum_version = TLS_VERSIONS[self.max_version]
        return context


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """Yield the path of a file with a text, which only its owner reads: OpenSSL takes nothing else."""
    with NamedTemporaryFile(prefix="pharos-", suffix=".pem") as file:
        file.write(text.encode())
        file.flush()
        yield file.name


class OAuth2(Struct, frozen=True):
    """Whom to ask for the token that requests carry, and who we are there (client credentials, RFC 6749)."""

    client_id: str
    client_secret: SecretText
    token_url: str
    scopes: tuple[str, ...] = ()
    endpoint_params: tuple[tuple[str, str], ...] = ()
    tls: TlsOptions = TlsOptions()
    proxy_url: Secret = field(default_factory=lambda: Secret(""))


class HttpOptions(Struct, frozen=True):
    """Who we are to the other side and how we reach it: Prometheus' HTTP client section."""

    username: SecretText = SecretText()
    password: SecretText = SecretText()
    authorization_type: str = ""
    credentials: SecretText = SecretText()
    headers: tuple[tuple[str, SecretText], ...] = ()
    tls: TlsOptions = TlsOptions()
    follow_redirects: bool = True
    proxy_url: Secret = field(default_factory=lambda: Secret(""))
    oauth2: OAuth2 | None = None

    def authentication(self) -> dict[str, str]:
        """Return the headers that carry credentials; raises PharosError(INVALID) for an unreadable secret
        file.
        """
        found = {name: value.read() for name, value in self.headers}
        if self.username or self.password:
            pair = f"{self.username.read()}:{self.password.read()}"
            found["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif self.authorization_type:
            found["Authorization"] = f"{self.authorization_type} {self.credentials.read()}".rstrip()
        return found
