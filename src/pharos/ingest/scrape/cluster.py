"""Targets that objects of a Kubernetes cluster stand for, as its API has them.

Which there are, and their labels, are those of Prometheus (discovery/kubernetes): rules of relabelling that
were written for it find what they look for.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from pharos.ingest.scrape.job import NOTHING_ATTACHED, Attached, TargetGroup

Object = Mapping[str, Any]
"""An object as JSON; what it lacks is as if it were empty."""
Labels = dict[str, str]
Key = tuple[str, str]
"""Namespace and name; the namespace is empty for objects of the whole cluster."""

META: Final = "__meta_kubernetes_"
_SERVICE_OF: Final = "kubernetes.io/service-name"
_NODE_ADDRESSES: Final = (
    *("InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS"),
    *("LegacyHostIP", "Hostname"),
)
"""The address of a node is the first of these that it has."""
_NO_NAME: Final = re.compile(r"[^a-zA-Z0-9_]")


class Cluster(Struct):
    """What is known of a cluster, by kind and key; of kinds that nobody asked for there is nothing."""

    pods: dict[Key, Object] = field(default_factory=dict)
    services: dict[Key, Object] = field(default_factory=dict)
    nodes: dict[Key, Object] = field(default_factory=dict)
    endpoints: dict[Key, Object] = field(default_factory=dict)
    endpointslices: dict[Key, Object] = field(default_factory=dict)
    ingresses: dict[Key, Object] = field(default_factory=dict)
    namespaces: dict[Key, Object] = field(default_factory=dict)


def key_of(found: Object) -> Key:
    """Return by what an object is known among those of its kind."""
    meta = within(found, "metadata")
    return str(meta.get("namespace") or ""), str(meta.get("name") or "")


class _Around(Struct):
    """What an object's targets may be made of besides, and what of it they were made of."""

    cluster: Cluster
    attached: Attached
    used: list[tuple[str, Key, Object | None]] = field(default_factory=list)

    def one(self, kind: str, key: Key) -> Object | None:
        """Return an object, None where there is none, and note that it was asked for."""
        objects: dict[Key, Object] = getattr(self.cluster, kind)
        found = objects.get(key)
        self.used.append((kind, key, found))
        return found


class _Made(Struct):
    """The targets of one object, as long as what they were made of is the same."""

    found: Object
    used: list[tuple[str, Key, Object | None]]
    groups: tuple[TargetGroup, ...]

    def is_good(self, found: Object, cluster: Cluster) -> bool:
        """Return whether they would be made the same anew."""
        return found is self.found and all(
            getattr(cluster, kind).get(key) is before for kind, key, before in self.used
        )


class Grouping:
    """The targets of a role; those of objects that did not change are not made anew, and stay the same."""

    def __init__(self, role: str, attached: Attached = NOTHING_ATTACHED) -> None:
        self._role = role
        self._attached = attached
        self._made: dict[Key, _Made] = {}

    def groups(self, cluster: Cluster) -> tuple[TargetGroup, ...]:
        """Return the targets, each a group of its own, in the order of their objects' names."""
        kind, _ = _ROLES[self._role]
        objects: dict[Key, Object] = getattr(cluster, kind)
        made = {}
        for key in sorted(objects):
            known = self._made.get(key)
            if known is None or not known.is_good(objects[key], cluster):
                known = self._make(key, objects[key], cluster)
            made[key] = known
        self._made = made
        return tuple(group for one in made.values() for group in one.groups)

    def _make(self, key: Key, found: Object, cluster: Cluster) -> _Made:
        around = _Around(cluster, self._attached)
        _, targets = _ROLES[self._role]
        source = "/".join(filter(None, (self._role, *key)))
        common = _namespace_labels(key[0], around)
        groups = []
        for labels in targets(found, around):
            address = labels.pop("__address__")
            groups.append(TargetGroup(source, (address,), tuple(sorted((common | labels).items()))))
        return _Made(found, around.used, tuple(groups))


# What is kept of objects of those kinds that there are many of, or that say much else, by name; None is all.
_META_KEPT: Final = dict.fromkeys(("namespace", "name", "uid", "labels", "annotations", "ownerReferences"))
_CONTAINER_KEPT: Final = dict.fromkeys(("name", "image", "ports"))
_STATUS_KEPT: Final = dict.fromkeys(("name", "containerID"))
_KEPT: Final[Mapping[str, Mapping[str, Any]]] = {
    "pod": {
        "metadata": _META_KEPT,
        "spec": {"nodeName": None, "containers": _CONTAINER_KEPT, "initContainers": _CONTAINER_KEPT},
        "status": {
            **dict.fromkeys(("phase", "podIP", "podIPs", "hostIP")),
            "conditions": dict.fromkeys(("type", "status")),
            "containerStatuses": _STATUS_KEPT,
            "initContainerStatuses": _STATUS_KEPT,
        },
    },
    "node": {
        "metadata": _META_KEPT,
        "spec": {"providerID": None},
        "status": {"addresses": None, "daemonEndpoints": None},
    },
    "namespace": {"metadata": _META_KEPT},
}
_KEPT_OF_OTHERS: Final = {"metadata": _META_KEPT}


def trimmed(kind: str, found: Object) -> Object:
    """Return what targets are made of: of a pod a tenth, so that its heartbeats are no changes either."""
    known = _KEPT.get(kind)
    if known is None:
        return {**found, **_trimmed(found, _KEPT_OF_OTHERS)}
    return _trimmed(found, known)


def _trimmed(found: Object, known: Mapping[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, inner in known.items():
        if name in found:
            value = found[name]
            if inner is not None and isinstance(value, Mapping):
                value = _trimmed(value, inner)
            elif inner is not None and isinstance(value, list):
                value = [_trimmed(one, inner) for one in value if isinstance(one, Mapping)]
            kept[name] = value
    return kept


def within(found: Object, *path: str) -> Object:
    """Return an object within another one; an empty one where there is none."""
    for name in path:
        inner = found.get(name)
        if not isinstance(inner, Mapping):
            return {}
        found = inner
    return found


def each(found: Object, name: str) -> Iterator[Object]:
    """Yield the objects of a list within an object; none where there is no list."""
    inner = found.get(name)
    for one in inner if isinstance(inner, list) else ():
        if isinstance(one, Mapping):
            yield one


def _text(value: object) -> str:
    """Return a value as labels have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _joined(host: str, port: object) -> str:
    return f"[{host}]:{_text(port)}" if ":" in host else f"{host}:{_text(port)}"


def _meta_labels(kind: str, found: Object) -> Labels:
    """Return the labels that an object's own labels and annotations become."""
    meta = within(found, "metadata")
    labels: Labels = {}
    for what, values in (("label", "labels"), ("annotation", "annotations")):
        for name, value in within(meta, values).items():
            known = _NO_NAME.sub("_", str(name))
            labels[f"{META}{kind}_{what}_{known}"] = _text(value)
            labels[f"{META}{kind}_{what}present_{known}"] = "true"
    return labels


def _named(kind: str, found: Object) -> Labels:
    namespace, name = key_of(found)
    labels = _meta_labels(kind, found)
    labels[f"{META}{kind}_name"] = name
    if namespace:
        labels[f"{META}namespace"] = namespace
    return labels


def _known(kind: str, /, **values: object) -> Labels:
    """Return labels of those values that are there."""
    return {f"{META}{kind}_{name}": _text(value) for name, value in values.items() if value is not None}


def _node_labels(node: str, around: _Around) -> Labels:
    found = around.one("nodes", ("", node)) if around.attached.nodes and node else None
    return {} if found is None else _named("node", found)


def _namespace_labels(namespace: str, around: _Around) -> Labels:
    is_wanted = around.attached.namespaces and namespace
    found = around.one("namespaces", ("", namespace)) if is_wanted else None
    return {} if found is None else _meta_labels("namespace", found)


# -- pods --


def _pod_labels(pod: Object) -> Labels:
    status, spec = within(pod, "status"), within(pod, "spec")
    ready = next((one.get("status") for one in each(status, "conditions") if one.get("type") == "Ready"), "")
    labels = _meta_labels("pod", pod) | {
        f"{META}pod_name": key_of(pod)[1],
        f"{META}pod_ip": _text(status.get("podIP")),
        f"{META}pod_ready": _text(ready).lower() or "unknown",
        f"{META}pod_phase": _text(status.get("phase")),
        f"{META}pod_node_name": _text(spec.get("nodeName")),
        f"{META}pod_host_ip": _text(status.get("hostIP")),
        f"{META}pod_uid": _text(within(pod, "metadata").get("uid")),
    }
    for one in each(status, "podIPs"):
        version = _ip_version(_text(one.get("ip")))
        if version:
            labels.setdefault(f"{META}pod_ipv{version}", _text(one.get("ip")))
    owner = next(
        (one for one in each(within(pod, "metadata"), "ownerReferences") if one.get("controller")), {}
    )
    return labels | _known("pod_controller", kind=owner.get("kind"), name=owner.get("name"))


def _ip_version(address: str) -> int:
    """Return which one it is of; 0 of none."""
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return 0


def _containers(pod: Object) -> Iterator[tuple[Object, Object, bool]]:
    """Yield (container, its status, whether it runs before the others) of a pod."""
    for at, statuses in (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")):
        told = {one.get("name"): one for one in each(within(pod, "status"), statuses)}
        for one in each(within(pod, "spec"), at):
            yield one, told.get(one.get("name"), {}), at == "initContainers"


def _port_labels(container: Object, port: Object, is_first: bool) -> Labels:
    """Return the labels of a container's port; those that run first may stay, and serve, as sidecars."""
    return {
        f"{META}pod_container_init": _text(is_first),
        f"{META}pod_container_name": _text(container.get("name")),
        f"{META}pod_container_image": _text(container.get("image")),
        f"{META}pod_container_port_name": _text(port.get("name")),
        f"{META}pod_container_port_number": _text(port.get("containerPort")),
        f"{META}pod_container_port_protocol": _text(port.get("protocol") or "TCP"),
    }


def _pod(pod: Object, around: _Around) -> Iterator[Labels]:
    """Each port of each container, or the container where it names none; nothing before it has an address."""
    address = _text(within(pod, "status").get("podIP"))
    if not address:
        return
    common = _pod_labels(pod) | {f"{META}namespace": key_of(pod)[0]}
    common |= _node_labels(common[f"{META}pod_node_name"], around)
    for container, status, is_first in _containers(pod):
        own = common | {
            f"{META}pod_container_name": _text(container.get("name")),
            f"{META}pod_container_id": _text(status.get("containerID")),
            f"{META}pod_container_image": _text(container.get("image")),
            f"{META}pod_container_init": _text(is_first),
        }
        ports = [*each(container, "ports")]
        if not ports:
            yield own | {"__address__": f"[{address}]" if ":" in address else address}
        for port in ports:
            where = {"__address__": _joined(address, port.get("containerPort"))}
            yield own | _port_labels(container, port, is_first) | where


# -- services, nodes, ingresses --


def _service_labels(service: Object) -> Labels:
    return _named("service", service)


def _service(service: Object) -> Iterator[Labels]:
    """Each port, at the name by which the cluster finds the service."""
    namespace, name = key_of(service)
    spec = within(service, "spec")
    kind = _text(spec.get("type"))
    common = _service_labels(service) | {f"{META}service_type": kind}
    if kind == "ExternalName":
        common[f"{META}service_external_name"] = _text(spec.get("externalName"))
    else:
        common[f"{META}service_cluster_ip"] = _text(spec.get("clusterIP"))
    if kind == "LoadBalancer":
        common[f"{META}service_loadbalancer_ip"] = _text(spec.get("loadBalancerIP"))
    for port in each(spec, "ports"):
        yield common | {
            "__address__": _joined(f"{name}.{namespace}.svc", port.get("port")),
            f"{META}service_port_name": _text(port.get("name")),
            f"{META}service_port_number": _text(port.get("port")),
            f"{META}service_port_protocol": _text(port.get("protocol") or "TCP"),
        }


def _node(node: Object) -> Iterator[Labels]:
    """The kubelet of a node."""
    name = key_of(node)[1]
    addresses: Labels = {}
    for one in each(within(node, "status"), "addresses"):
        addresses.setdefault(_text(one.get("type")), _text(one.get("address")))
    address = next((addresses[kind] for kind in _NODE_ADDRESSES if kind in addresses), "")
    if not address:
        return
    port = within(node, "status", "daemonEndpoints", "kubeletEndpoint").get("Port", 0)
    labels = _named("node", node) | {
        "__address__": _joined(address, port),
        "instance": name,
        f"{META}node_provider_id": _text(within(node, "spec").get("providerID")),
    }
    for kind, at in addresses.items():
        labels[f"{META}node_address_{_NO_NAME.sub('_', kind)}"] = at
    yield labels


def _ingress(ingress: Object) -> Iterator[Labels]:
    """Each path of each rule."""
    spec = within(ingress, "spec")
    common = _named("ingress", ingress) | _known("ingress", class_name=spec.get("ingressClassName"))
    secure = [_text(host) for one in each(spec, "tls") for host in one.get("hosts") or ()]
    for rule in each(spec, "rules"):
        host = _text(rule.get("host"))
        scheme = "https" if any(_matches(pattern, host) for pattern in secure) else "http"
        http = within(rule, "http")
        paths = [_text(one.get("path")) or "/" for one in each(http, "paths")] if http else ["/"]
        for path in paths:
            yield common | {
                "__address__": host,
                f"{META}ingress_scheme": scheme,
                f"{META}ingress_host": host,
                f"{META}ingress_path": path,
            }


def _matches(pattern: str, host: str) -> bool:
    """Return whether a host is the one of a certificate, whose first part may be a wildcard."""
    if pattern == host:
        return True
    first, _, rest = pattern.partition(".")
    return first == "*" and bool(host) and host.partition(".")[2] == rest


# -- what is behind services --


class _Behind(Struct):
    """An address behind a service, with its port."""

    address: str
    port: object
    """None where it has none."""
    protocol: str
    labels: Labels
    node: str
    target: Object


def _endpoints(found: Object, around: _Around) -> Iterator[Labels]:
    """Each port of each address, ready or not, and all further ports of the pods that these are of."""
    common = _named("endpoints", found) | _of_service(around.one("services", key_of(found)))
    behind: list[_Behind] = []
    for subset in each(found, "subsets"):
        for port in each(subset, "ports"):
            for kind, is_ready in (("addresses", True), ("notReadyAddresses", False)):
                for one in each(subset, kind):
                    target = within(one, "targetRef")
                    protocol = _text(port.get("protocol") or "TCP")
                    labels = {
                        f"{META}endpoint_port_name": _text(port.get("name")),
                        f"{META}endpoint_port_protocol": protocol,
                        f"{META}endpoint_ready": _text(is_ready),
                    }
                    if target:
                        labels |= _known(
                            "endpoint_address_target", kind=target.get("kind"), name=target.get("name")
                        )
                    node, host = one.get("nodeName"), one.get("hostname") or None
                    labels |= _known("endpoint", node_name=node, hostname=host)
                    at = _text(one.get("ip"))
                    behind.append(_Behind(at, port.get("port"), protocol, labels, _text(node), target))
    yield from _of_pods(behind, common, around)


def _endpointslice(found: Object, around: _Around) -> Iterator[Labels]:
    """The same of a slice of them."""
    kind = "endpointslice"
    common = _named(kind, found) | _known(kind, address_type=found.get("addressType"))
    name = _text(within(found, "metadata", "labels").get(_SERVICE_OF))
    service = around.one("services", (key_of(found)[0], name))
    if service is not None and _is_second_family(found, service):
        return
    common |= _of_service(service)
    behind: list[_Behind] = []
    for one in each(found, "endpoints"):
        target, state, node = within(one, "targetRef"), within(one, "conditions"), one.get("nodeName")
        own = _known(
            f"{kind}_endpoint_conditions",
            ready=state.get("ready"),
            serving=state.get("serving"),
            terminating=state.get("terminating"),
        )
        own |= _known(f"{kind}_endpoint", hostname=one.get("hostname"), node_name=node, zone=one.get("zone"))
        if target:
            own |= _known(f"{kind}_address_target", kind=target.get("kind"), name=target.get("name"))
        for name, value in within(one, "deprecatedTopology").items():
            known = _NO_NAME.sub("_", str(name))
            own[f"{META}{kind}_endpoint_topology_{known}"] = _text(value)
            own[f"{META}{kind}_endpoint_topology_present_{known}"] = "true"
        at_node = _text(target.get("name")) if target.get("kind") == "Node" else _text(node)
        for port in each(found, "ports"):
            labels = own | _known(
                kind,
                port_name=port.get("name"),
                port_protocol=port.get("protocol"),
                port=port.get("port"),
                port_app_protocol=port.get("appProtocol"),
            )
            protocol = _text(port.get("protocol") or "TCP")
            behind += [
                _Behind(_text(address), port.get("port"), protocol, labels, at_node, target)
                for address in one.get("addresses") or ()
            ]
    yield from _of_pods(behind, common, around)


def _is_second_family(found: Object, service: Object) -> bool:
    """Return whether a slice has, of IPv4 and IPv6, the addresses by which a service is known second.

    Its targets are those of the other slice, once more.
    """
    spec = within(service, "spec")
    families = spec.get("ipFamilies")
    is_dual = _text(spec.get("ipFamilyPolicy")).endswith("DualStack")
    return is_dual and isinstance(families, list) and families[:1] not in ([], [found.get("addressType")])


def _of_service(service: Object | None) -> Labels:
    return {} if service is None else _service_labels(service)


def _of_pods(behind: Iterable[_Behind], common: Labels, around: _Around) -> Iterator[Labels]:
    """Yield the labels of addresses behind a service, and of further ports of their pods."""
    seen: dict[Key, tuple[Object, set[object]]] = {}
    for one in behind:
        address = one.address if one.port is None else _joined(one.address, one.port)
        labels = common | one.labels | {"__address__": address}
        labels |= _node_labels(one.node, around)
        pod = _pod_behind(around, one.target)
        if pod is None:
            yield labels
            continue
        labels |= _pod_labels(pod)
        seen.setdefault(key_of(pod), (pod, set()))[1].add(one.port)
        for container, _, is_first in _containers(pod):
            ports = (port for port in each(container, "ports") if port.get("containerPort") == one.port)
            if one.port is not None and (port := next(ports, None)) is not None:
                labels |= _port_labels(container, port, is_first)
        yield labels
    for pod, named in seen.values():
        address = _text(within(pod, "status").get("podIP"))
        for container, _, is_first in _containers(pod):
            for port in each(container, "ports"):
                if address and port.get("containerPort") not in named:
                    where = {"__address__": _joined(address, port.get("containerPort"))}
                    yield common | _pod_labels(pod) | _port_labels(container, port, is_first) | where


def _pod_behind(around: _Around, target: Object) -> Object | None:
    if target.get("kind") != "Pod":
        return None
    return around.one("pods", (_text(target.get("namespace")), _text(target.get("name"))))


_Targets = Callable[[Object, _Around], Iterator[Labels]]
_ROLES: Final[Mapping[str, tuple[str, _Targets]]] = {
    "pod": ("pods", _pod),
    "service": ("services", lambda found, _: _service(found)),
    "node": ("nodes", lambda found, _: _node(found)),
    "ingress": ("ingresses", lambda found, _: _ingress(found)),
    "endpoints": ("endpoints", _endpoints),
    "endpointslice": ("endpointslices", _endpointslice),
}
