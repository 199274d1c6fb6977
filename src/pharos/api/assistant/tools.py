"""The tools that assistants have: each is an address of this API, asked with the very scope of who asks.

So a tool answers what its address answers, with the same permission, the same fence and the same limits; here
stands only what it is called, and which of the parameters it has. All of them read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct, field

from pharos.api.http.routes import Operation


class Told(Struct, frozen=True):
    """What an assistant is told of an address."""

    name: str
    title: str
    path: str
    description: str
    arguments: tuple[str, ...] = ()
    """The parameters that the tool has, of those in the address's query; those of its path it always has."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Parameters that are given by us."""


class Tool(Struct, frozen=True):
    """A tool that is there, and who answers it."""

    told: Told
    operation: Operation
    schema: Mapping[str, Any]
    """Of its arguments."""

    def shown(self) -> dict[str, Any]:
        """Return it as `tools/list` shows it."""
        return {
            "name": self.told.name,
            "title": self.told.title,
            "description": self.told.description,
            "inputSchema": self.schema,
            "annotations": {"title": self.told.title, "readOnlyHint": True, "openWorldHint": False},
        }


_RANGE: Final = ("start", "end")
_TIMES: Final = " Times are Unix seconds or RFC 3339; without them the last hour is meant."
TOLD: Final = (
    Told(
        "query_metrics",
        "Query metrics",
        "/api/v1/query",
        "Evaluate a PromQL expression at one time (now, if none is given).",
        ("query", "time"),
    ),
    Told(
        "query_metrics_range",
        "Query metrics over time",
        "/api/v1/query_range",
        "Evaluate a PromQL expression over a range of times, a value for each step (such as 60s).",
        ("query", *_RANGE, "step"),
    ),
    Told(
        "label_values",
        "Values of a label",
        "/api/v1/label/{name:label}/values",
        "List the values of a label of metrics; the name __name__ lists the metrics that there are.",
        ("match[]", *_RANGE, "limit"),
    ),
    Told(
        "metric_metadata",
        "What metrics are",
        "/api/v1/metadata",
        "Type, unit and help text of metrics.",
        ("metric", "limit"),
    ),
    Told(
        "find_series",
        "Find series",
        "/api/v1/series",
        "List the label sets of the series that selectors match.",
        ("match[]", *_RANGE, "limit"),
    ),
    Told(
        "list_targets",
        "Scraped targets",
        "/api/v1/targets",
        "What is scraped, and which of it is down and why.",
        ("state", "scrapePool"),
    ),
    Told(
        "search_logs",
        "Search logs",
        "/api/logs/search",
        "Find log lines, the newest first. The query is words, phrases in quotes and fields such as"
        " level:error or service:checkout, joined by AND, OR and NOT." + _TIMES,
        ("query", *_RANGE, "limit", "cursor"),
    ),
    Told(
        "log_histogram",
        "Count log lines",
        "/api/logs/histogram",
        "Count the lines that meet a search at each step, by level or another field." + _TIMES,
        ("query", *_RANGE, "by", "buckets"),
    ),
    Told(
        "log_patterns",
        "Patterns of log lines",
        "/api/logs/patterns",
        "The templates of the lines that meet a search, the most frequent first." + _TIMES,
        ("query", *_RANGE),
    ),
    Told(
        "log_fields",
        "Fields of log lines",
        "/api/logs/fields",
        "The fields that log lines have, to search by." + _TIMES,
        _RANGE,
    ),
    Told(
        "search_traces",
        "Search traces",
        "/api/spans/search",
        "Find traces of which one span meets all conditions, the newest first; durations such as 250ms."
        + _TIMES,
        (
            "query",
            "service",
            "operation",
            "status",
            "min_duration",
            "max_duration",
            *_RANGE,
            "limit",
            "cursor",
        ),
    ),
    Told(
        "get_trace",
        "One trace",
        "/api/spans/trace/{trace_id}",
        "The waterfall of a trace: spans in order, own time, critical path, warnings.",
    ),
    Told(
        "compare_traces",
        "Compare two traces",
        "/api/spans/compare",
        "Where two traces differ, by the time won or lost there.",
        ("left", "right"),
    ),
    Told(
        "service_graph",
        "Who calls whom",
        "/api/spans/graph",
        "Services and the calls between them: rate, errors and durations." + _TIMES,
        _RANGE,
    ),
    Told(
        "list_alerts",
        "Alerts that fire",
        "/api/v2/alerts",
        "The alerts that fire now, with labels, annotations, and what holds them back.",
        ("filter", "active", "silenced", "inhibited"),
    ),
    Told(
        "list_rules",
        "Rules",
        "/api/v1/rules",
        "Alerting and recording rules, how they were evaluated, and the alerts of each.",
        ("type", "rule_name[]"),
    ),
    Told(
        "list_objectives", "Objectives", "/api/slos", "Objectives with what is left of their error budgets."
    ),
    Told(
        "list_dashboards",
        "Dashboards",
        "/api/pharos/dashboards",
        "Which dashboards there are.",
        ("query", "tag", "folder"),
    ),
    Told(
        "get_dashboard",
        "One dashboard",
        "/api/pharos/dashboards/{uid}",
        "A dashboard's JSON with its panels and their queries.",
    ),
    Told(
        "list_runs",
        "Runs of flows",
        "/api/v1/runs",
        "Runs of workflows, the newest first; state is live, over or a state.",
        ("workflow", "state", *_RANGE, "limit", "cursor"),
    ),
    Told(
        "get_run",
        "One run",
        "/api/v1/runs/{run_id:path}",
        "A run of a workflow with its steps.",
    ),
)
"""Every tool; one whose address is not there is left out."""


def tools_of(operations: Iterable[Operation]) -> dict[str, Tool]:
    """Return by name the tools whose addresses are among the operations."""
    known = {one.path: one for one in operations if one.method == "GET"}
    return {told.name: _tool(told, known[told.path]) for told in TOLD if told.path in known}


def path_names(path: str) -> list[str]:
    """Return the names of the variable parts of an address, each a whole segment."""
    return [part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")]


def _tool(told: Told, operation: Operation) -> Tool:
    parameters = operation.inputs.get("parameters", ())
    asked = {one["name"]: one for one in parameters if one["in"] == "query"}
    in_path = path_names(told.path)
    chosen = [asked[name] for name in told.arguments if name in asked]
    schema = {
        "type": "object",
        "properties": {
            **{name: {"type": "string"} for name in in_path},
            **{one["name"]: dict(one["schema"]) for one in chosen},
        },
        "required": [*in_path, *(one["name"] for one in chosen if one.get("required"))],
        "additionalProperties": False,
    }
    return Tool(told, operation, schema)
