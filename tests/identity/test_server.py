"""A server in a process of its own: who comes in first, over TLS, and how soon somebody is out."""

from __future__ import annotations

import datetime as dt
import json
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.peers import ending_with_us

from pharos.certificate import Certificate
from pharos.config import Tls
from pharos.errors import PharosError

WORDS = "correct horse battery staple"


def write_certificate(folder: Path, name: str, serial: int) -> Tls:
    """Write a certificate for loopback that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(day)
        .not_valid_after(day + dt.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = Tls(cert=folder / "server.crt", key=folder / "server.key")
    assert made.cert is not None
    assert made.key is not None
    made.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return made


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[list[dict[str, Any]]]:
    """Run a server; yield what it has printed, as far as `lines` of it."""
    command = [sys.executable, "-m", "pharos.cli", "up", "--data", str(folder), "--json", *arguments]
    with (folder.parent / "log").open("wb") as log:
        process = subprocess.Popen(ending_with_us(command), stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    try:
        yield (json.loads(line) for line in process.stdout)  # type: ignore[misc]
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def ask(
    url: str, body: Any = None, *, headers: dict[str, str] | None = None, method: str | None = None
) -> tuple[int, Any]:
    sent = {"Content-Type": "application/json", **(headers or {})}
    packed = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, packed, sent, method=method)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.loads(exc.read() or b"null")


def test_beyond_loopback_the_first_user_comes_by_the_link_and_is_asked_for_from_then_on(
    tmp_path: Path,
) -> None:
    tls = write_certificate(tmp_path, "first", 1)
    (tmp_path / "pharos.yml").write_text("tls: {cert: server.crt, key: server.key}\n")
    config = ("--config", str(tmp_path / "pharos.yml"))
    with running(tmp_path / "data", "--listen", "0.0.0.0:0", *config) as printed:
        said = iter(printed)
        url = next(said)["url"].replace("0.0.0.0", "127.0.0.1")
        link = next(said)["first_user"]
        assert url.startswith("https://")
        assert re.search(r"^https://0\.0\.0\.0:\d+/welcome#\w{43}$", link)
        assert ask(f"{url}/api/v1/query?query=1")[0] == 401
        assert ask(f"{url}/api/users", {"name": "eve", "password": WORDS})[0] == 401
        used = {"code": link.partition("#")[2], "name": "ada", "password": WORDS}
        status, me = ask(f"{url}/api/links/use", used)
        assert (status, me["data"]["identity"]["name"]) == (200, "ada")
        assert ask(f"{url}/api/links/use", used)[0] == 404
        key = {"X-Pharos-Key": (tmp_path / "data" / "admin-key").read_text()}
        made = ask(f"{url}/api/tokens", {"name": "x", "roles": ["viewer"]}, headers=key)[1]["data"]
        bearer = {"Authorization": f"Bearer {made['text']}"}
        assert ask(f"{url}/api/v1/query?query=1", headers=bearer)[0] == 200
        # The certificate is another one while the server runs, and a connection that is there goes on.
        before = ssl.get_server_certificate(("127.0.0.1", int(url.rpartition(":")[2])))
        write_certificate(tmp_path, "second", 2)
        for _ in range(100):
            now = ssl.get_server_certificate(("127.0.0.1", int(url.rpartition(":")[2])))
            if now != before:
                break
            time.sleep(0.1)
        assert now == Path(str(tls.cert)).read_text()
        assert ask(f"{url}/api/tokens/{made['token']['id']}", headers=key, method="DELETE")[0] == 200
        assert ask(f"{url}/api/v1/query?query=1", headers=bearer)[0] == 401
    assert WORDS not in (tmp_path / "log").read_text()
    with running(tmp_path / "data", "--listen", "127.0.0.1:0") as printed:
        url = next(iter(printed))["url"]
        # Users are asked for on loopback too, and after a restart.
        assert ask(f"{url}/api/v1/query?query=1")[0] == 401
        assert ask(f"{url}/api/sign_in", {"name": "ada", "password": WORDS})[0] == 200


def test_a_certificate_that_is_not_good_is_named_and_the_last_good_one_stays(tmp_path: Path) -> None:
    tls = write_certificate(tmp_path, "first", 1)
    certificate = Certificate.of(tls)
    assert certificate is not None
    assert not certificate.look()
    assert tls.key is not None
    good = tls.key.read_bytes()
    tls.key.write_text("rubbish")
    assert not certificate.look()
    with pytest.raises(PharosError, match=r"server\.key are no certificate and its key"):
        Certificate.of(tls)
    tls.key.unlink()
    assert not certificate.look()
    tls.key.write_bytes(good)
    assert certificate.look()
    assert Certificate.of(Tls()) is None
    with pytest.raises(ValueError, match="belong together"):
        Tls(cert=tmp_path / "x")
