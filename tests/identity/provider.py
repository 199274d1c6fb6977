"""An issuer and identity provider on loopback: real keys, real signatures, real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

CLIENT = "pharos-client"
CLIENT_SECRET = "the secret of the client"


@dataclass
class FakeProvider:
    """What it knows and what it was asked; its claims are what the next person is."""

    url: str = ""
    keys: list[Any] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    is_down: bool = False
    declines: bool = False
    """Whoever is sent there does not want to come in."""
    now_s: int = 1_700_000_000

    def sign(self, claims: dict[str, Any], key: Any = None, **header: Any) -> str:
        """Return a token of these claims beside those that every token has."""
        key = key or self.keys[0]
        algorithm = {"RSA": "RS256", "EC": "ES256", "OKP": "Ed25519"}[key.key_type]
        whole = {"iss": self.url, "sub": "1", "aud": "pharos", "iat": self.now_s, "exp": self.now_s + 3600}
        whole = {name: value for name, value in {**whole, **claims}.items() if value is not None}
        head = {"alg": algorithm, "kid": key.kid, **header}
        return jwt.encode(head, whole, key, algorithms=[head["alg"]])

    def authorize(self, target: str) -> str:
        """Return where a browser is sent that went to `target` and signed in there."""
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query))
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT
        if self.declines:
            declined = {"error": "access_denied", "state": asked["state"]}
            return f"{asked['redirect_uri']}?{urllib.parse.urlencode(declined)}"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urllib.parse.urlencode({'code': code, 'state': asked['state']})}"

    def answer(self, method: str, path: str, form: dict[str, str], authorization: str) -> Any:
        self.asked.append(f"{method} {path.partition('?')[0]}")
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
        if path == "/keys":
            return {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in self.keys]}
        expected = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        begun = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            begun is None
            or authorization != f"Basic {expected}"
            or begun["code_challenge"] != challenge.decode().rstrip("=")
            or begun["redirect_uri"] != form["redirect_uri"]
        ):
            return {"error": "invalid_grant"}
        return {
            "id_token": self.sign({"aud": CLIENT, "nonce": begun["nonce"], **self.claims}),
            "access_token": "x",
        }


@contextmanager
def running_provider() -> Iterator[FakeProvider]:
    """Run it."""
    provider = FakeProvider(
        keys=[RSAKey.generate_key(2048, {"kid": "rsa"}), ECKey.generate_key("P-256", {"kid": "ec"})]
    )
    provider.keys.append(OKPKey.generate_key("Ed25519", {"kid": "okp"}))

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            form = dict(urllib.parse.parse_qsl(self.rfile.read(size).decode()))
            if self.path.startswith("/authorize?"):
                # Whoever comes is signed in there already, or declines.
                self.send_response(303)
                self.send_header("Location", provider.authorize(self.path))
                self.end_headers()
                return
            found = provider.answer(self.command, self.path, form, self.headers.get("Authorization", ""))
            body = json.dumps(found).encode()
            self.send_response(503 if provider.is_down else 200)
            self.send_header("Content-Type", "application/json")
            body = b"down" if provider.is_down else body
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that are looked for

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
