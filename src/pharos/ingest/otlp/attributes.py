"""Attributes become labels, and resources become `job`, `instance` and `target_info` (helper.go)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct, field

from pharos.ingest.metrics.wire_labels import LABELS_MAX
from pharos.ingest.otlp.messages import KeyValue, Resource, parse_message
from pharos.ingest.otlp.names import label_name
from pharos.ingest.otlp.promotion import NOTHING_PROMOTED, Promotion
from pharos.ingest.otlp.refused import RefusedError
from pharos.ingest.otlp.values import value_text
from pharos.labels import METRIC_NAME, Labels, labels_of

TARGET_INFO: Final = "target_info"
_SERVICE: Final = "service.name"
_NAMESPACE: Final = "service.namespace"
_INSTANCE: Final = "service.instance.id"
_IDENTIFYING: Final = frozenset({_SERVICE, _NAMESPACE, _INSTANCE})
_EXEMPLAR_MAX_CHARACTERS: Final = 128


def parse_attributes(raw: Sequence[bytes]) -> list[tuple[str, str]]:
    """Return keys and values of KeyValue messages, by key.

    Raises RefusedError if there are too many, PharosError(INVALID) if one is malformed.
    """
    if len(raw) > LABELS_MAX:
        raise RefusedError(f"a data point has more than {LABELS_MAX} attributes")
    pairs = (parse_message(KeyValue, one) for one in raw)
    return sorted(((pair.key, value_text(pair.value)) for pair in pairs), key=lambda pair: pair[0])


def attribute_labels(attributes: list[tuple[str, str]], identity: dict[str, str]) -> dict[str, str]:
    """Return the labels of attributes in order, and over them those that identify the resource.

    Values whose names become one are joined with a semicolon. Raises RefusedError for names of which
    nothing is left.
    """
    labels: dict[str, str] = {}
    for key, value in attributes:
        name = label_name(key)
        before = labels.get(name)
        labels[name] = f"{before};{value}" if before else value
    labels.update(identity)
    return labels


class Origin(Struct, frozen=True):
    """What the series of a resource have in common: `job` and `instance`, and labels that are promoted.

    And its `target_info`, if any.
    """

    identity: dict[str, str]
    target_info: Labels | None
    promoted: dict[str, str] = field(default_factory=dict)


def origin_of(resource: bytes, promotion: Promotion = NOTHING_PROMOTED) -> Origin:
    """Return what a resource's series have in common. Raises PharosError(INVALID) if it is malformed."""
    attributes = [(pair.key, value_text(pair.value)) for pair in parse_message(Resource, resource).attributes]
    first = dict(reversed(attributes))
    identity: dict[str, str] = {}
    if _SERVICE in first:
        name = first[_SERVICE]
        identity["job"] = f"{first[_NAMESPACE]}/{name}" if _NAMESPACE in first else name
    if _INSTANCE in first:
        identity["instance"] = first[_INSTANCE]
    identity = {name: value for name, value in identity.items() if value}
    return Origin(identity, _target_info(attributes, identity), _promoted(attributes, promotion))


def _promoted(attributes: list[tuple[str, str]], promotion: Promotion) -> dict[str, str]:
    labels: dict[str, str] = {}
    for key, value in sorted(attributes):
        if promotion.takes(key) and value:
            with suppress(RefusedError):
                labels.setdefault(label_name(key), value)
    return labels


def _target_info(attributes: list[tuple[str, str]], identity: dict[str, str]) -> Labels | None:
    """Return the labels of `target_info`; None where there is nothing to tell or nobody to tell it of."""
    telling = sorted((pair for pair in attributes if pair[0] not in _IDENTIFYING), key=lambda pair: pair[0])
    if not telling or len(telling) > LABELS_MAX:
        return None
    try:
        labels = attribute_labels(telling, identity)
    except RefusedError:
        # A resource that cannot be told of does not make its measurements worthless.
        return None
    if not (labels.get("job") or labels.get("instance")):
        return None
    return labels_of({**labels, METRIC_NAME: TARGET_INFO})


def exemplar_labels(exemplar: Any) -> Labels:
    """Return an exemplar's labels: its trace and span, and its attributes if all of it is short enough.

    Raises PharosError(INVALID) for a malformed attribute.
    """
    labels: dict[str, str] = {}
    if any(exemplar.trace_id):
        labels["trace_id"] = exemplar.trace_id.hex()
    if any(exemplar.span_id):
        labels["span_id"] = exemplar.span_id.hex()
    raw = exemplar.filtered_attributes
    attributes = parse_attributes(raw) if len(raw) <= LABELS_MAX else []
    texts = [*labels.items(), *attributes]
    if sum(len(name) + len(value) for name, value in texts) <= _EXEMPLAR_MAX_CHARACTERS:
        labels = {**dict(attributes), **labels}
    return labels_of(labels)
