"""kubernetes_sd_configs: which objects of which cluster, and how its API is reached.

Without an address the cluster is the one that this process runs in, as its environment and the files of its
service account say (Kubernetes, "Accessing the API from within a Pod").
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from pharos.document import Fields, Value, load_document
from pharos.errors import Kind, PharosError
from pharos.http_options import HttpOptions, SecretText, TlsOptions
from pharos.http_section import join, read_http
from pharos.ingest.scrape.job import NOTHING_ATTACHED, Attached, KubernetesDiscovery, Selector
from pharos.named_file import read_named
from pharos.secret import Secret

SECTION: Final = "kubernetes_sd_configs"
_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds who it is."""
_NOT_ATTACHED: Final = ("deployment", "job", "cronjob")
"""What the newest Prometheus attaches besides: labels of what made a pod."""
_Note = Callable[[int, str, str], None]


def read_kubernetes(
    value: Value,
    base_dir: Path,
    environment: Mapping[str, str],
    note: _Note,
    account: Path = _ACCOUNT,
) -> KubernetesDiscovery | None:
    """Return a discovery that was looked over; None, with a note, for the own cluster of what runs in none.

    Raises PharosError(INVALID) for a kubeconfig that does not serve, UNSUPPORTED for a way to authenticate
    that is none of ours.
    """
    fields = Fields(value, "kubernetes_sd_config")
    role, server, file = (_text(fields, name) for name in ("role", "api_server", "kubeconfig_file"))
    namespaces, own = _namespaces(fields)
    found = KubernetesDiscovery(
        role,
        server,
        read_http(fields, base_dir),
        namespaces,
        fields.read("selectors", lambda given: tuple(given.each(_selector)), ()),
        fields.read("attach_metadata", partial(_attached, note=note), NOTHING_ATTACHED),
    )
    fields.done()
    if file:
        return _by_kubeconfig(found, Path(join(base_dir, file)))
    if server:
        return found
    if not environment.get("KUBERNETES_SERVICE_HOST") or not environment.get("KUBERNETES_SERVICE_PORT"):
        said = "Pharos runs in no cluster: write api_server or kubeconfig_file, or no targets are found"
        note(value.line, SECTION, said)
        return None
    return _own_cluster(found, environment, account, own_namespace=own)


def _text(fields: Fields, name: str) -> str:
    return fields.read(name, Value.text, "")


def _namespaces(fields: Fields) -> tuple[tuple[str, ...], bool]:
    given = fields.take("namespaces")
    if given is None or given.is_null():
        return (), False
    inner = Fields(given, "namespaces")
    names = inner.take("names")
    own = inner.read("own_namespace", Value.boolean, default=False)
    inner.done()
    return (() if names is None else tuple(dict.fromkeys(names.texts()))), own


def _selector(value: Value) -> Selector:
    inner = Fields(value, "selector")
    found = Selector(_text(inner, "role"), _text(inner, "label"), _text(inner, "field"))
    inner.done()
    return found


def _attached(value: Value, note: _Note) -> Attached:
    inner = Fields(value, "attach_metadata")
    found = Attached(*(inner.read(name, Value.boolean, default=False) for name in ("node", "namespace")))
    for name in _NOT_ATTACHED:
        given = inner.take(name)
        if given is not None and given.boolean():
            note(given.line, f"{SECTION}.attach_metadata", f"names of a {name} are not attached")
    inner.done()
    return found


def _own_cluster(
    found: KubernetesDiscovery, environment: Mapping[str, str], account: Path, *, own_namespace: bool
) -> KubernetesDiscovery:
    host, port = environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]
    http = replace(
        found.http,
        authorization_type="Bearer",
        credentials=SecretText(path=str(account / "token")),
        tls=TlsOptions(ca_path=str(account / "ca.crt")),
    )
    namespaces = found.namespaces
    if own_namespace:
        own = read_named(account / "namespace").decode().strip()
        namespaces = tuple(dict.fromkeys((*namespaces, own)))
    shown = f"[{host}]" if ":" in host else host
    return replace(found, server=f"https://{shown}:{port}", http=http, namespaces=namespaces)


# -- kubeconfig files --


def _by_kubeconfig(found: KubernetesDiscovery, path: Path) -> KubernetesDiscovery:
    root: Any = load_document(read_named(path), str(path)).plain(shows_secrets=True)
    if not isinstance(root, dict):
        raise PharosError(Kind.INVALID, f"{path}: it is no kubeconfig file")
    context = _entry(root, "contexts", "context", str(root.get("current-context") or ""), path)
    cluster = _entry(root, "clusters", "cluster", str(context.get("cluster") or ""), path)
    user = _entry(root, "users", "user", str(context.get("user") or ""), path) if context.get("user") else {}
    if not cluster.get("server"):
        raise PharosError(Kind.INVALID, f"{path}: its cluster names no server")
    for name in ("exec", "auth-provider"):
        if user.get(name):
            raise PharosError(
                Kind.UNSUPPORTED,
                f"{path}: users by {name} are not supported",
                hint="write a token, tokenFile or client certificate",
            )
    folder = path.parent
    inline = str(user.get("token") or "")
    token = SecretText(Secret(inline), "" if inline else join(folder, str(user.get("tokenFile") or "")))
    http = HttpOptions(
        username=SecretText(Secret(str(user.get("username") or ""))),
        password=SecretText(Secret(str(user.get("password") or ""))),
        authorization_type="Bearer" if token else "",
        credentials=token,
        tls=TlsOptions(
            ca=_pem(cluster, "certificate-authority-data", path),
            ca_path=_path(cluster, "certificate-authority", folder),
            cert=_pem(user, "client-certificate-data", path),
            key=Secret(_pem(user, "client-key-data", path)),
            cert_path=_path(user, "client-certificate", folder),
            key_path=_path(user, "client-key", folder),
            server_name=str(cluster.get("tls-server-name") or ""),
            insecure_skip_verify=cluster.get("insecure-skip-tls-verify") is True,
        ),
        proxy_url=Secret(str(cluster.get("proxy-url") or "")),
    )
    return replace(found, server=str(cluster["server"]), http=http)


def _entry(root: dict[str, Any], section: str, part: str, name: str, path: Path) -> dict[str, Any]:
    for one in root.get(section) or ():
        if isinstance(one, dict) and one.get("name") == name:
            found: Any = one.get(part)
            if isinstance(found, dict):
                return found
    raise PharosError(Kind.INVALID, f"{path}: {section} has no {name!r}")


def _path(found: dict[str, Any], name: str, folder: Path) -> str:
    # What is inline counts more, as for kubectl.
    return "" if found.get(f"{name}-data") else join(folder, str(found.get(name) or ""))


def _pem(found: dict[str, Any], name: str, path: Path) -> str:
    try:
        return base64.b64decode(str(found.get(name) or ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise PharosError(Kind.INVALID, f"{path}: {name} is not base64 of PEM") from exc
