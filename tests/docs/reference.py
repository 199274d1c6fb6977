"""Writes the references of settings, own metrics, commands and functions: `make reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from prometheus_client import Metric
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from pharos.cli import Deferred, DeferredGroup, WithOthers, build
from pharos.config import RoleRule, Settings
from pharos.gotext.durations import format_duration
from pharos.promql.language.ast import ValueType
from pharos.promql.language.functions import (
    AGGREGATORS,
    ANCHORED_SAFE,
    FUNCTIONS,
    SMOOTHED_SAFE,
    Function,
    Reads,
)
from pharos.telemetry import REGISTRY

DOCS = Path(__file__).parent.parent.parent / "docs"
_METRICS_HEAD = 9
_WRITTEN = "<!-- Written by `make reference`; what it says stands in the source. -->\n"


def settings() -> str:
    """Return the page of settings."""
    lines = [
        "# Settings",
        "",
        _WRITTEN,
        "A `pharos.yml`, named by `pharos up --config pharos.yml`, may say any of these; each has a default.",
        "Options of the command line win over the file. Durations are written `15s`, `5m`, `1h30m`, `30d`;",
        "sizes `512MB`, `2GB`, where 1 KB is 1024 bytes. Paths count from the file's folder.",
        "`pharos check pharos.yml` names each fault with its line.",
        "",
    ]
    own = [name for name, field in Settings.model_fields.items() if not _is_section(field.default)]
    lines += _table((name, Settings.model_fields[name]) for name in own)
    for name, field in Settings.model_fields.items():
        if _is_section(field.default):
            lines += ["", f"## {name}", "", (type(field.default).__doc__ or "").strip(), ""]
            lines += _table((f"{name}.{key}", one) for key, one in type(field.default).model_fields.items())
    for name, field in [*Settings.model_fields.items(), *of_sections()]:
        is_map = get_origin(field.annotation) is dict
        kind, each = ("A map by name", ".NAME") if is_map else ("A list", "[]")
        for section in listed(field.annotation):
            lines += ["", f"## {name}", "", f"{kind}. {(section.__doc__ or '').strip()}", ""]
            lines += _table((f"{name}{each}.{key}", one) for key, one in section.model_fields.items())
    rule = RoleRule.model_fields.items()
    lines += ["", "## rules", "", f"A list. {(RoleRule.__doc__ or '').strip()}", ""]
    lines += _table((f"rules[].{key}", one) for key, one in rule)
    return "\n".join(lines) + "\n"


def of_sections() -> Iterator[tuple[str, Any]]:
    """Return the settings in sections, by their whole names."""
    for name, field in Settings.model_fields.items():
        if _is_section(field.default):
            for key, one in type(field.default).model_fields.items():
                yield f"{name}.{key}", one


def _is_section(default: object) -> bool:
    return isinstance(default, BaseModel)


def listed(annotation: Any) -> list[type[BaseModel]]:
    """Return the section of which a setting is a list, or a map by name."""
    return [one for one in get_args(annotation) if isinstance(one, type) and issubclass(one, BaseModel)]


def _table(fields: Any) -> Iterator[str]:
    yield "| setting | default | what it is |"
    yield "|---|---|---|"
    for name, field in fields:
        yield f"| `{name}` | {_default(field)} | {field.description} |"


def _default(field: Any) -> str:
    value = field.default
    if field.is_required():
        return "must be given"
    if value == "":
        return "none"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    if value is PydanticUndefined:
        return "`{}`"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    kinds = [getattr(one, "func", None) for one in field.metadata]
    names = {getattr(kind, "__name__", "") for kind in kinds}
    if "_duration_ms" in names:
        return f"`{format_duration(value)}`"
    if "_size_bytes" in names:
        return f"`{_size(value)}`"
    return f"`{value}`"


def _size(value: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return f"{value}B"


def metrics() -> str:
    """Return the page of own metrics."""
    lines = [
        "# Own metrics",
        "",
        _WRITTEN,
        "What Pharos tells of itself: it scrapes itself (job `pharos`), and serves the same at `/metrics`.",
        "The metrics of its host (job `node`) have the names of node_exporter, the report series (`up`,",
        "`scrape_*`) and those of the process (`process_*`) those of Prometheus.",
        "",
        "| metric | type | labels | what it is |",
        "|---|---|---|---|",
    ]
    named = REGISTRY._names_to_collectors  # noqa: SLF001 - what has no samples yet is told by nothing else
    for collector in {id(one): one for one in named.values()}.values():
        labels = ", ".join(f"`{name}`" for name in getattr(collector, "_labelnames", ()))
        described: list[Metric] = list(getattr(collector, "describe", collector.collect)())
        for metric in described:
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            lines.append(f"| `{name}` | {metric.type} | {labels} | {metric.documentation} |")
    head, rows = lines[:_METRICS_HEAD], sorted(set(lines[_METRICS_HEAD:]))
    return "\n".join(head + rows) + "\n"


def commands() -> str:
    """Return the page of commands."""
    lines = [
        "# Commands",
        "",
        _WRITTEN,
        "Results go to standard output, all else to standard error; with `--json` both are for programs.",
        "",
        "| exit code | meaning |",
        "|---|---|",
        "| 0 | done |",
        "| 1 | what was asked about is bad: a file with a fault, a refused expression, a damaged backup |",
        "| 2 | it could not be done: wrong usage, bad settings, a folder in use, no server |",
        "| 128 + n | the server was ended by signal n |",
    ]
    for name, command in _commands():
        lines += ["", f"## pharos {name}", "", str(command.help).strip(), ""]
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in command.params if one.param_type_name == "option"]
        shown = " ".join(one.name.upper() + ("..." if one.nargs == -1 else "") for one in arguments)
        lines += ["```text", " ".join(part for part in ("pharos", name, shown, "[OPTIONS]") if part), "```"]
        if arguments or options:
            lines += ["", "| | |", "|---|---|"]
        lines += [f"| `{one.name.upper()}` | {one.help} |" for one in arguments]
        lines += [f"| {_flags(one)} | {one.help}{_default_of(one)} |" for one in options]
    return "\n".join(lines) + "\n"


def _commands() -> Iterator[tuple[str, Any]]:
    """Yield each command with its name, those of a group with the group's before."""
    for name, listed in build().commands.items():
        if isinstance(listed, DeferredGroup):
            yield from ((f"{name} {one}", command) for one, command in listed.load().commands.items())
        else:
            yield name, listed.load() if isinstance(listed, Deferred) else listed
        if isinstance(listed, WithOthers):
            yield from ((f"{name} {other}", one.load()) for other, one in listed.others.items())


def _flags(option: Any) -> str:
    return ", ".join(f"`{flag}`" for flag in option.opts)


def _default_of(option: Any) -> str:
    if option.default in (None, False) or option.is_flag:
        return ""
    return f" Default: `{option.default}`."


def functions() -> str:
    """Return the page of PromQL's functions and aggregators."""
    lines = [
        "# PromQL functions",
        "",
        _WRITTEN,
        "What follows Prometheus 3.14. *Experimental* ones stand behind a flag there and are always on here.",
        "",
        "| function | what it is | |",
        "|---|---|---|",
    ]
    for name in sorted(FUNCTIONS):
        function = FUNCTIONS[name]
        lines.append(f"| `{_signature(function)}` | {function.doc} | {_remarks(function)} |")
    lines += ["", "## Aggregators", "", "| aggregator | what it is | |", "|---|---|---|"]
    for name in sorted(AGGREGATORS):
        aggregator = AGGREGATORS[name]
        shown = f"{name}({_KINDS[aggregator.param]}, vector)" if aggregator.param else f"{name}(vector)"
        experimental = "experimental" if aggregator.experimental else ""
        lines.append(f"| `{shown}` | {aggregator.doc} | {experimental} |")
    return "\n".join(lines) + "\n"


_KINDS = {
    ValueType.VECTOR: "vector",
    ValueType.MATRIX: "range",
    ValueType.SCALAR: "scalar",
    ValueType.STRING: "string",
}


def _signature(function: Function) -> str:
    args = [_KINDS[kind] for kind in function.args]
    if function.variadic:
        more = ", ..." if function.variadic != 1 else ""
        args[-1] = f"[{args[-1]}{more}]"
    return f"{function.name}({', '.join(args)})"


def _remarks(function: Function) -> str:
    remarks = {
        "experimental": function.experimental,
        "keeps the metric's name": function.keeps_name,
        "leaves native histograms out": function.floats_only,
        "asks nothing of buckets": function.reads is Reads.TOTALS,
        "takes `anchored`": function.name in ANCHORED_SAFE,
        "takes `smoothed`": function.name in SMOOTHED_SAFE,
    }
    return ", ".join(text for text, holds in remarks.items() if holds)


PAGES = {
    "settings.md": settings,
    "metrics.md": metrics,
    "commands.md": commands,
    "functions.md": functions,
}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
        sys.stdout.write(f"written: docs/{name}\n")


if __name__ == "__main__":
    main()
