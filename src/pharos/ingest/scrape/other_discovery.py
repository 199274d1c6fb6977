"""Discoveries of a prometheus.yml that are not served: what Prometheus refuses of them is refused here too.

Names and checks are those of Prometheus 3 (discovery/*). What it can only find out where it runs, such as the
region of a machine at AWS, is not looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from pharos.document import Value
from pharos.ingest.scrape.looked_over import (
    AUTHORIZATIONS,
    Check,
    Form,
    LookedOver,
    at_most_one_of,
    each_begins,
    excludes,
    is_one_of,
    is_readable_url,
    is_url,
    look_over,
    needs,
)

_OF_CLIENT: Final = (*AUTHORIZATIONS, "tls_config", "proxy_url", "http_headers")
_SELECTORS: Final = {
    "pod": ("pod",),
    "service": ("service",),
    "endpointslice": ("pod", "service", "endpointslice"),
    "endpoints": ("pod", "service", "endpoints"),
    "node": ("node",),
    "ingress": ("ingress",),
}
_PORTLESS: Final = "SRV"
_RECORDS: Final = ("A", "AAAA", "MX", "NS")


def _azure(section: LookedOver) -> str:
    """With OAuth, which is the default, all that it takes must be there."""
    names = ["subscription_id"]
    if section.text("authentication_method", "OAuth") == "OAuth":
        names += ["tenant_id", "client_id", "client_secret"]
    return needs(*names)(section)


def _filters(section: LookedOver) -> str:
    for one in section.items("filters"):
        if not LookedOver(one, "filter").has("values"):
            return "values of a filter cannot be empty"
    return ""


def _dns(section: LookedOver) -> str:
    kind = section.text("type", _PORTLESS).upper()
    if kind not in (_PORTLESS, *_RECORDS):
        return f"type must be one of {', '.join((_PORTLESS, *_RECORDS))}, got {kind!r}"
    is_without = kind != _PORTLESS and section.text("port", "0") == "0"
    return f"port is missing: records of type {kind} tell none" if is_without else ""


def _kubernetes(section: LookedOver) -> str:
    if section.text("api_server") and section.text("kubeconfig_file"):
        return "at most one of api_server & kubeconfig_file may be written"
    namespaces = section.value("namespaces")
    own = None if namespaces is None else LookedOver(namespaces, "namespaces").value("own_namespace")
    outside = section.has("api_server", "kubeconfig_file")
    if own is not None and own.boolean() and outside:
        return f"own_namespace cannot stand beside {outside[0]}: the own namespace is known inside alone"
    client = section.has(*_OF_CLIENT)
    if client and section.has("kubeconfig_file"):
        return f"{client[0]} cannot stand beside kubeconfig_file, which says how to connect"
    if client and not section.has("api_server"):
        return f"{client[0]} needs api_server"
    return _selectors(section)


def _selectors(section: LookedOver) -> str:
    role = section.text("role")
    seen: set[str] = set()
    for one in section.items("selectors"):
        selector = LookedOver(one, "selector")
        of, terms = selector.text("role"), selector.text("field")
        if of in seen:
            return f"there are two selectors of the role {of!r}"
        seen.add(of)
        if of not in _SELECTORS[role]:
            return f"with the role {role} selectors are of {' or '.join(_SELECTORS[role])}, not of {of!r}"
        wrong = [term for term in terms.split(",") if term and "=" not in term]
        if wrong:
            return f"field of a selector: {wrong[0]!r} must be name=value or name!=value"
    return ""


_MARATHON: Final[tuple[Check, ...]] = (
    needs("servers"),
    at_most_one_of("auth_token", "auth_token_file"),
    excludes("auth_token", *AUTHORIZATIONS),
    excludes("auth_token_file", *AUTHORIZATIONS),
)
_ZOOKEEPER: Final[tuple[Check, ...]] = (needs("servers", "paths"), each_begins("paths", "/"))
_CHECKS: Final[dict[str, tuple[Check, ...]]] = {
    "aws": (),
    "azure": (
        _azure,
        is_one_of(
            "authentication_method", "OAuth", "ManagedIdentity", "SDK", "WorkloadIdentity", default="OAuth"
        ),
    ),
    "consul": (
        at_most_one_of("username", "basic_auth"),
        at_most_one_of("password", "basic_auth"),
        excludes("token", "authorization", "oauth2"),
    ),
    "digitalocean": (),
    "dns": (needs("names"), _dns),
    "docker": (needs("host"), is_readable_url("host")),
    "dockerswarm": (
        needs("host"),
        is_readable_url("host"),
        is_one_of("role", "services", "nodes", "tasks"),
    ),
    "ec2": (_filters,),
    "eureka": (needs("server"), is_url("server")),
    "gce": (needs("project", "zone"),),
    "hetzner": (is_one_of("role", "robot", "hcloud"),),
    "ionos": (needs("datacenter_id"),),
    "kubernetes": (is_one_of("role", *_SELECTORS), _kubernetes),
    "kuma": (needs("server"), is_url("server")),
    "lightsail": (),
    "linode": (),
    "marathon": _MARATHON,
    "nerve": _ZOOKEEPER,
    "nomad": (),
    "openstack": (
        is_one_of("availability", "public", "internal", "admin", default="public"),
        is_one_of("role", "instance", "hypervisor", "loadbalancer"),
        needs("region"),
    ),
    "ovhcloud": (
        needs("application_key", "application_secret", "consumer_key"),
        is_one_of("service", "dedicated_server", "vps"),
    ),
    "puppetdb": (needs("url", "query"), is_url("url")),
    "scaleway": (
        is_one_of("role", "instance", "baremetal"),
        needs("project_id", "access_key"),
        at_most_one_of("secret_key", "secret_key_file"),
    ),
    "serverset": _ZOOKEEPER,
    "stackit": (is_readable_url("endpoint"),),
    "triton": (needs("account", "dns_suffix", "endpoint"),),
    "uyuni": (needs("server", "username", "password"), is_readable_url("server")),
    "vultr": (),
}
_WITHOUT_HTTP: Final = frozenset({"dns", "gce", "nerve", "openstack", "ovhcloud", "serverset", "triton"})
_TYPES: Final[dict[str, Callable[[Value], object]]] = {
    **dict.fromkeys(("refresh_interval", "timeout", "fetch_timeout"), Value.duration_ms),
    **dict.fromkeys(("port", "version"), Value.integer),
    **dict.fromkeys(
        ("all_tenants", "allow_stale", "include_parameters", "match_first_network"), Value.boolean
    ),
    **dict.fromkeys(("groups", "names", "paths", "servers", "services", "tags", "tags_filter"), Value.texts),
    "node_meta": Value.group,
    **dict.fromkeys(
        [
            "access_key",
            "account",
            "api_server",
            "api_url",
            "application_credential_id",
            "application_credential_name",
            "application_credential_secret",
            "application_key",
            "application_secret",
            "auth_token",
            "auth_token_file",
            "authentication_method",
            "availability",
            "client_id",
            "client_secret",
            "consumer_key",
            "datacenter",
            "datacenter_id",
            "dns_suffix",
            "domain_id",
            "domain_name",
            "endpoint",
            "entitlement",
            "environment",
            "filter",
            "host",
            "host_networking_host",
            "identity_endpoint",
            "kubeconfig_file",
            "label_selector",
            "name_filter",
            "namespace",
            "partition",
            "password",
            "path_prefix",
            "profile",
            "project",
            "project_id",
            "project_name",
            "query",
            "region",
            "resource_group",
            "role",
            "role_arn",
            "scheme",
            "secret_key",
            "secret_key_file",
            "separator",
            "server",
            "service",
            "subscription_id",
            "tag_separator",
            "tenant_id",
            "token",
            "type",
            "url",
            "userid",
            "username",
            "zone",
        ],
        Value.text,
    ),
}
_FORMS: Final = {
    f"{name}_sd_configs": Form(f"{name}_sd_config", checks, _TYPES, has_http=name not in _WITHOUT_HTTP)
    for name, checks in _CHECKS.items()
}
OTHER_DISCOVERY: Final = frozenset(_FORMS)
"""The sections' names."""


def look_over_discoveries(name: str, value: Value, base_dir: Path) -> None:
    """Note what Prometheus refuses of the discoveries of one kind, with the lines."""
    for one in value.items():
        look_over_discovery(name, one, base_dir)


def look_over_discovery(name: str, value: Value, base_dir: Path) -> None:
    """The same of one of them."""
    value.source.attempt(partial(look_over, _FORMS[name], value, base_dir), None)
