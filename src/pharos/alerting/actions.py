"""Automatic responses: which transitions of alerts they answer, and what is done then.

What an action may do is bounded by whoever runs the server: commands and clusters are named in pharos.yml
and only chosen here. Values of labels are put in by `${label}`, into texts that are handed on whole: never
into a shell, never into more of a path than one name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, Self

import orjson
from msgspec import Struct, field
from pydantic import AfterValidator, Field, model_validator
from yarl import URL

from pharos.alert import SEVERITY
from pharos.alerting.escalate import Duration, MatcherText
from pharos.alerting.matchers import matches_all, parse_matcher
from pharos.alerting.oncall.schedule import Name, Part, read_part
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration

_LABEL: Final = re.compile(r"\$\{([a-zA-Z_][a-zA-Z0-9_]*)\}")
_KUBERNETES_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_RESOURCES: Final[Mapping[str, str]] = {
    "deployment": "apis/apps/v1/namespaces/{namespace}/deployments/{name}",
    "statefulset": "apis/apps/v1/namespaces/{namespace}/statefulsets/{name}",
    "daemonset": "apis/apps/v1/namespaces/{namespace}/daemonsets/{name}",
    "cronjob": "apis/batch/v1/namespaces/{namespace}/cronjobs/{name}",
    "configmap": "api/v1/namespaces/{namespace}/configmaps/{name}",
    "service": "api/v1/namespaces/{namespace}/services/{name}",
    "ingress": "apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}",
    "horizontalpodautoscaler": ("apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name}"),
    "rollout": "apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts/{name}",
}
_PATCHES: Final[Mapping[str, str]] = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}
_ARGUMENT_MOST: Final = 4096
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}\Z")
_HEADER_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]{0,4000}\Z")


def _url(value: str) -> str:
    try:
        found = URL(value)
    except ValueError as exc:
        raise ValueError("no address") from exc
    if found.scheme not in {"http", "https"} or not found.host:
        raise ValueError("an address such as https://example.org/hook")
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _HEADER_NAME.match(name):
            raise ValueError(f"{name[:80]!r} is no name of a header")
        if not _HEADER_VALUE.match(text):
            raise ValueError(f"{name}: no value of a header, which is one line")
    return value


def _kubernetes_name(value: str) -> str:
    if not _KUBERNETES_NAME.match(_LABEL.sub("x", value)):
        raise ValueError(
            f"{value[:80]!r} is no name of Kubernetes, with labels such as ${{service}} or without"
        )
    return value


KubernetesName = Annotated[Name, AfterValidator(_kubernetes_name)]


class Webhook(Part):
    """A request to an address."""

    url: Annotated[str, AfterValidator(_url), Field(max_length=2000)]
    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(default={}, max_length=20)
    body: dict[str, Any] | None = None
    """What is sent; the alert and its transition without it."""


class Command(Part):
    """A command that pharos.yml allows, by its name there."""

    name: Name
    arguments: tuple[Annotated[str, Field(max_length=_ARGUMENT_MOST)], ...] = Field(default=(), max_length=50)


class Kubernetes(Part):
    """A patch of one object of a cluster that pharos.yml names."""

    cluster: Name
    kind: Literal[
        "deployment",
        "statefulset",
        "daemonset",
        "cronjob",
        "configmap",
        "service",
        "ingress",
        "horizontalpodautoscaler",
        "rollout",
    ]
    namespace: KubernetesName
    name: KubernetesName
    patch: dict[str, Any] | list[Any]
    type: Literal["merge", "strategic", "json"] = "strategic"
    scale: bool = False
    """Whether it is the object's subresource `scale` that is patched."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if isinstance(self.patch, list) is not (self.type == "json"):
            expected = "a list of operations" if self.type == "json" else "an object"
            raise ValueError(f"the patch of the type {self.type} is {expected}")
        return self


class Action(Part):
    """What is done, upon which transitions of which alerts."""

    matchers: tuple[MatcherText, ...] = Field(default=(), max_length=50)
    severities: tuple[Name, ...] = Field(default=(), max_length=20)
    on: tuple[Literal["firing", "resolved", "unknown", "acknowledged", "escalated"], ...] = ("firing",)
    webhook: Webhook | None = None
    command: Command | None = None
    kubernetes: Kubernetes | None = None
    cooldown: Duration = "5m"
    """It is not done again within this time, for whichever alert."""
    timeout: Duration = "30s"
    dry_run: bool = False
    """What would be done is kept, and not done."""
    approval: bool = False
    """Somebody has to approve it first."""
    evidence: tuple[Annotated[str, Field(max_length=5000)], ...] = Field(default=(), max_length=20)
    """Queries whose answers are kept before anything is done."""
    enabled: bool = True
    description: str = Field(default="", max_length=2000)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.webhook, self.command, self.kubernetes)) != 1:
            raise ValueError("an action is one of webhook, command, kubernetes")
        if not 0 < self.timeout_ms <= 600_000:
            raise ValueError("a timeout is more than 0s and at most 10m")
        return self

    @property
    def cooldown_ms(self) -> int:
        """In how long it is not done again."""
        return parse_duration(self.cooldown)

    @property
    def timeout_ms(self) -> int:
        """How long it may take."""
        return parse_duration(self.timeout)

    def answers(self, step: str, labels: Mapping[str, str]) -> bool:
        """Return whether it is done upon a transition of an alert with these labels."""
        if not self.enabled or step not in self.on:
            return False
        if self.severities and labels.get(SEVERITY, "") not in self.severities:
            return False
        return matches_all(map(parse_matcher, self.matchers), labels)


def read_action(document: Mapping[str, Any], name: str) -> Action:
    """Return an action read from JSON. Raises PharosError(INVALID) that names the first field at fault."""
    return read_part(Action, document, f"action {name!r}")


# -- what is done --


class Transition(Struct, frozen=True):
    """What an action answers."""

    tenant: str
    fingerprint: str
    step: str
    number: int
    labels: Mapping[str, str]


class Call(Struct, frozen=True):
    """A request that is to be sent."""

    method: str
    target: str
    """An address, or a path of a cluster."""
    headers: Mapping[str, str]
    body: bytes
    cluster: str = ""

    def __str__(self) -> str:
        where = f"{self.cluster}:/{self.target}" if self.cluster else self.target
        return f"{self.method} {where} {self.body.decode()}"


class Run(Struct, frozen=True):
    """A command that is to be run."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.name, *map(repr, self.arguments)])


def plan(action: Action, name: str, of: Transition) -> Call | Run:
    """Return what is to be done upon a transition.

    Raises PharosError(INVALID) where a label does not fit, and where one is missing that a command or a patch
    needs: what is left of `/data/${tenant}` without it is another thing.
    """
    if action.command is not None:
        arguments = tuple(_argument(text, of.labels) for text in action.command.arguments)
        return Run(action.command.name, arguments, _environment(name, of))
    if action.kubernetes is not None:
        return _patch(action.kubernetes, of.labels)
    if action.webhook is None:
        raise PharosError(Kind.BUG, f"the action {name} does nothing")
    return _request(action.webhook, name, of)


def _put_in(text: str, labels: Mapping[str, str]) -> str:
    return _LABEL.sub(lambda found: labels.get(found[1], ""), text)


def _put_in_known(text: str, labels: Mapping[str, str]) -> str:
    """Return a text with the values of labels, all of which must be there."""
    missing = [name for name in _LABEL.findall(text) if not labels.get(name)]
    if missing:
        raise PharosError(
            Kind.INVALID, f"{text[:80]!r} needs the label {missing[0]!r}, which the alert has not"
        )
    return _put_in(text, labels)


def _put_in_all(document: Any, labels: Mapping[str, str], put_in: Callable[..., str] = _put_in) -> Any:
    """Return a document with the values of labels in its texts, its keys as they are."""
    if isinstance(document, str):
        return put_in(document, labels)
    if isinstance(document, list):
        return [_put_in_all(one, labels, put_in) for one in document]
    if isinstance(document, dict):
        return {name: _put_in_all(value, labels, put_in) for name, value in document.items()}
    return document


def _require_one_name(text: str, labels: Mapping[str, str]) -> None:
    """Refuse values that would be more than one name of a path that a text writes, or a folder above."""
    if "/" not in _LABEL.sub("", text):
        return
    for name in _LABEL.findall(text):
        if "/" in labels[name]:
            raise _other_path(text, f"{name} is {labels[name][:80]!r}")
    # As many as before, since no value has more of them.
    for written, found in zip(text.split("/"), _put_in(text, labels).split("/"), strict=True):
        if written != found and found in {".", ".."}:
            raise _other_path(text, f"{written} is {found!r}")


def _other_path(text: str, why: str) -> PharosError:
    return PharosError(Kind.INVALID, f"the argument {text!r} would be another path: {why}")


def _argument(text: str, labels: Mapping[str, str]) -> str:
    found = _put_in_known(text, labels)
    _require_one_name(text, labels)
    if found != text and (found.startswith("-") and not text.startswith("-")):
        raise PharosError(Kind.INVALID, f"the argument {text!r} would be an option: {found[:80]!r}")
    if "\0" in found or len(found) > _ARGUMENT_MOST:
        raise PharosError(Kind.INVALID, f"the argument {text!r} would be none: {found[:80]!r}")
    return found


def _environment(name: str, of: Transition) -> dict[str, str]:
    return {
        "PHAROS_ACTION": name,
        "PHAROS_TENANT": of.tenant,
        "PHAROS_STEP": of.step,
        "PHAROS_FINGERPRINT": of.fingerprint,
        "PHAROS_LABELS": orjson.dumps(dict(of.labels)).decode().replace("\0", ""),
    }


def _patch(what: Kubernetes, labels: Mapping[str, str]) -> Call:
    written = {"namespace": what.namespace, "name": what.name}
    names = {field_name: _put_in_known(text, labels) for field_name, text in written.items()}
    for field_name, value in names.items():
        if not _KUBERNETES_NAME.match(value):
            raise PharosError(Kind.INVALID, f"{field_name}: {value[:80]!r} is no name of Kubernetes")
    path = _RESOURCES[what.kind].format(**names) + _subresource(what)
    headers = {"Content-Type": _PATCHES[what.type], "Accept": "application/json"}
    return Call("PATCH", path, headers, _patched(what.patch, labels), what.cluster)


def _patched(patch: Any, labels: Mapping[str, str]) -> bytes:
    return orjson.dumps(_put_in_all(patch, labels, _put_in_known))


def _subresource(what: Kubernetes) -> str:
    """Return the part of an object that is patched: of a patch that says `status` alone it is the status.

    Kubernetes leaves the status as it is where the object itself is patched, and answers 200.
    """
    if what.scale:
        return "/scale"
    parts = set(what.patch) if isinstance(what.patch, dict) else {_first_part(one) for one in what.patch}
    return "/status" if parts == {"status"} else ""


def _first_part(operation: Any) -> str:
    """Return which part of an object an operation of a JSON patch is about."""
    path = operation.get("path", "") if isinstance(operation, dict) else ""
    return str(path).removeprefix("/").partition("/")[0]


def _request(what: Webhook, name: str, of: Transition) -> Call:
    told: Any = {
        "action": name,
        "tenant": of.tenant,
        "step": of.step,
        "fingerprint": of.fingerprint,
        "labels": dict(of.labels),
        "transition": of.number,
    }
    if what.body is not None:
        told = _put_in_all(what.body, of.labels)
    headers = {
        **what.headers,
        "Content-Type": "application/json",
        # The same when it is done again, so that who takes it can tell.
        "Idempotency-Key": f"{name}-{of.number}",
    }
    return Call(what.method, what.url, headers, orjson.dumps(told))
