"""alertmanager.yml as it is: routes, receivers, inhibitions, times and templates, checked whole.

Field names, defaults and checks are those of Alertmanager (config/config.go, notify/*/config.go), newer
ones included. What is wrong is told with its line, all at once. Files that the configuration names are not
looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct, field

from pharos.alerting.fields import (
    Field,
    Section,
    Values,
    decimal,
    duration,
    flag,
    is_one_of,
    needs,
    read_section,
    text,
    tls,
)
from pharos.alerting.intervals import TimeInterval, TimeIntervals, read_interval
from pharos.alerting.matchers import Matchers, is_label_name
from pharos.alerting.receiver_kind import KindOfReceiver, settle
from pharos.alerting.receivers import GLOBAL, RECEIVERS
from pharos.alerting.route import Route
from pharos.alerting.tree import Known, read_conditions, read_matchers, read_tree
from pharos.document import Fields, Sequence, Value, load_document
from pharos.document import Mapping as Mapping_
from pharos.http_section import join
from pharos.named_file import read_named

MOST_VALUES: Final = 100_000
"""Of one configuration, what aliases repeat counted as often."""


class Integration(Struct, frozen=True):
    """One way of telling of one receiver."""

    kind: str
    """The key in the file without `_configs`: `webhook`, `slack`, `pagerduty`."""
    index: int
    """Among those of its kind in its receiver, from 0."""
    values: Mapping[str, Any]
    """Its fields by the file's own names, typed, defaults and global settings filled in (`receivers.py`)."""
    send_resolved: bool


class Receiver(Struct, frozen=True):
    """Who is told, in all the ways listed."""

    name: str
    integrations: tuple[Integration, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


class InhibitionSource(Struct, frozen=True):
    """Alerts that hold others back."""

    matchers: Matchers
    equal: tuple[str, ...]
    """Labels whose values both must share; one that neither has is shared."""


class Inhibition(Struct, frozen=True):
    """Alerts that match `target` are held back while there is one of each of the sources."""

    name: str
    """Empty where none is given."""
    sources: tuple[InhibitionSource, ...]
    """One, unless the rule lists several, all of which must be there."""
    target: Matchers
    line: int = 0


class AlertingConfig(Struct, frozen=True):
    """A whole configuration."""

    route: Route
    """The root."""
    receivers: Mapping[str, Receiver]
    inhibitions: tuple[Inhibition, ...] = ()
    intervals: TimeIntervals = field(default_factory=dict)
    templates: tuple[str, ...] = ()
    """Patterns of the paths of files, seen from the configuration's folder where they are relative."""
    global_: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    """What is good and not done here, with its line."""
    shown: str = ""
    """The document as YAML, each secret as `<secret>`."""
    template_files: Mapping[str, str] | None = None
    """Of a tenant's own configuration: its templates by name, instead of files. Whoever wrote it may name no
    files of this server, and no addresses in its network.
    """
    dependencies: tuple[Inhibition, ...] = ()
    """What holds pages back while that fires on which others depend (`dependencies.py`)."""

    @property
    def resolve_timeout_ms(self) -> int:
        """After how long an alert whose sender named no end is given up."""
        return int(self.global_["resolve_timeout"])


def _hidden(value: Value) -> None:
    """Have nothing of it shown."""
    for inner in value.items() if isinstance(value.node, Sequence) else ():
        _hidden(inner)
    for _, _, inner in value.pairs() if isinstance(value.node, Mapping_) else ():
        _hidden(inner)
    value.source.keep_secret(value.node)


TRACING: Final = Section(
    "tracing",
    {
        "client_type": text("grpc"),
        "endpoint": text(),
        "sampling_fraction": decimal(),
        "insecure": flag(),
        "tls_config": tls(),
        "headers": Field(lambda value, _: _hidden(value)),
        "compression": text(),
        "timeout": duration(),
    },
    (needs("endpoint"), is_one_of("client_type", "grpc", "http"), is_one_of("compression", "", "gzip")),
)


def load_alerting(path: Path) -> AlertingConfig:
    """Return the configuration that a file holds.

    Raises FaultsError with everything that is wrong, and PharosError: MISSING, INVALID or TOO_LARGE for
    what cannot be read.
    """
    return parse_alerting(read_named(path), str(path), path.parent)


def parse_alerting(content: str | bytes, name: str, base_dir: Path) -> AlertingConfig:
    """Return the configuration of a text; `name` is what faults call it, `base_dir` where relative paths
    begin.

    Raises as `load_alerting` does.
    """
    return read_alerting(load_document(content, name, MOST_VALUES, first_only=True), base_dir)


def read_alerting(root: Value, base_dir: Path) -> AlertingConfig:
    """Return the configuration of a document. Raises FaultsError with everything that is wrong."""
    config = _read(root, base_dir)
    root.source.raise_faults()
    return config


def _read(root: Value, base_dir: Path) -> AlertingConfig:
    source = root.source
    fields = Fields(root, "the configuration")
    default: Values = {name: how.default for name, how in GLOBAL.fields.items()}
    global_ = fields.read("global", lambda value: read_section(GLOBAL, value, base_dir), default)
    intervals: dict[str, tuple[TimeInterval, ...]] = {}
    for section in ("mute_time_intervals", "time_intervals"):
        fields.each(section, lambda value: _named_interval(value, intervals))
    receivers: dict[str, Receiver] = {}
    around = _Around(global_, base_dir, intervals)
    fields.each("receivers", lambda value: _receiver(value, around, receivers))
    tree = fields.take("route")
    route = Route("")
    if tree is None:
        source.faults.append(root.fault("no route provided in config"))
    else:
        route = source.attempt(lambda: read_tree(tree, Known(receivers, intervals)), route)
    inhibitions = fields.each("inhibit_rules", _inhibition)
    templates = fields.each("templates", Value.text)
    fields.read("tracing", lambda value: read_section(TRACING, value, base_dir), default)
    fields.done()
    return AlertingConfig(
        route=route,
        receivers=receivers,
        inhibitions=inhibitions,
        intervals=intervals,
        templates=tuple(join(base_dir, one) for one in templates),
        global_=global_,
        notices=tuple(source.notices),
        shown="" if source.faults else source.attempt(lambda: _shown(root), ""),
    )


def _shown(root: Value) -> str:
    return written(root.plain())


def written(plain: Any) -> str:
    """Return plain values as YAML."""
    return str(yaml.dump(plain, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=110))


class _Around(Struct, frozen=True):
    """What stands elsewhere in the document, and counts for receivers."""

    global_: Values
    base_dir: Path
    intervals: TimeIntervals


def _receiver(value: Value, around: _Around, receivers: dict[str, Receiver]) -> None:
    """Add a receiver to those that are known."""
    source = value.source
    fields = Fields(value, "receiver")
    name = fields.read("name", Value.text, "")
    labels = fields.group("labels")
    if not name:
        source.faults.append(value.fault("missing name in receiver"))
    if name in receivers:
        source.faults.append(value.fault(f"receiver name {name!r} is not unique"))
    if labels.get("name", name) != name:
        source.faults.append(value.fault(f"the label name of receiver {name!r} must be its name"))
    integrations: list[Integration] = []
    for kind in RECEIVERS.values():
        read = partial(_integration, kind, count(), around)
        integrations += fields.each(f"{kind.kind}_configs", read)
    fields.done()
    receivers[name] = Receiver(name, tuple(integrations), labels)


def _integration(kind: KindOfReceiver, places: Iterator[int], around: _Around, value: Value) -> Integration:
    index = next(places)
    if value.is_null():
        raise value.fault(f"{value.path}: the entry is empty: write its settings, or leave it out")
    before = len(value.source.faults)
    values = read_section(kind.section, value, around.base_dir)
    wrong = settle(kind, values, around.global_) if len(value.source.faults) == before else ""
    if wrong:
        raise value.fault(f"{kind.section.name}: {wrong}")
    quiet = (values.get("pharos") or {}).get("quiet_hours") or {}
    for name in quiet.get("times", ()):
        if name not in around.intervals:
            raise value.fault(f"undefined time interval {name!r} used in quiet_hours")
    return Integration(kind.kind, index, values, values.pop("send_resolved"))


def _named_interval(value: Value, intervals: dict[str, tuple[TimeInterval, ...]]) -> None:
    """Add a named interval to those that are known."""
    fields = Fields(value, "time interval")
    name = fields.read("name", Value.text, "")
    times = fields.each("time_intervals", read_interval)
    fields.done()
    if not name:
        raise value.fault("missing name in time interval")
    if name in intervals:
        raise value.fault(f"time interval {name!r} is not unique")
    intervals[name] = times


def _inhibition(value: Value) -> Inhibition:
    fields = Fields(value, "inhibit rule")
    several = fields.each("sources", _source)
    single = InhibitionSource(read_conditions(fields, "source_"), _equal(fields))
    inhibition = Inhibition(
        name=fields.read("name", Value.text, ""),
        sources=several or (single,),
        target=read_conditions(fields, "target_"),
        line=value.line,
    )
    fields.done()
    if several and (single.matchers or single.equal):
        raise value.fault(
            "sources cannot stand beside source_match, source_match_re, source_matchers or equal"
        )
    return inhibition


def _source(value: Value) -> InhibitionSource:
    fields = Fields(value, "source of an inhibit rule")
    source = InhibitionSource(read_matchers(fields, "matchers"), _equal(fields))
    fields.done()
    if all(matcher.matches("") for matcher in source.matchers):
        raise value.fault(f"{value.path}: at least one matcher must not match the empty text")
    return source


def _equal(fields: Fields) -> tuple[str, ...]:
    return fields.each("equal", _label_name)


def _label_name(value: Value) -> str:
    name = value.text()
    if not is_label_name(name):
        raise value.fault(f"{value.path}: invalid label name {name!r}")
    return name
