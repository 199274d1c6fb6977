"""`pharos why`: why somebody was told of an alert at some time, or was not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from pharos.alert import shown_labels
from pharos.clock import SystemClock
from pharos.commands.accounts import FOLDER, FolderOption, ServerOption, TenantOption, asked, call
from pharos.commands.screen import OUT, JsonOption, print_json
from pharos.errors import Kind, PharosError

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z")

AtOption = Annotated[
    str,
    typer.Option(
        help="When: 02:14 for the last time that the clock here showed it, or 2026-01-05T02:14:00Z.",
        show_default="now",
    ),
]


def read_at(text: str, now_ms: int | None = None) -> str:
    """Return a time for the server. Raises PharosError(INVALID)."""
    found = _CLOCK.match(text)
    if found is None:
        try:
            read = datetime.fromisoformat(text)
        except ValueError as exc:
            raise PharosError(
                Kind.INVALID, f"not a time: {text!r}", hint="write it as 02:14 or 2026-01-05T02:14:00Z"
            ) from exc
        # Without a zone it is what the clock here shows.
        return read.astimezone(UTC).isoformat()
    now = datetime.fromtimestamp(
        (SystemClock().now_ms() if now_ms is None else now_ms) / 1000, UTC
    ).astimezone()
    wanted = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    return (wanted if wanted <= now else wanted - timedelta(days=1)).astimezone(UTC).isoformat()


def why(
    matchers: Annotated[
        list[str] | None, typer.Argument(help="Conditions on labels, such as alertname=DiskFull.")
    ] = None,
    at: AtOption = "",
    who: Annotated[
        str, typer.Option(help="A person or a receiver: only what they were told counts.", show_default=False)
    ] = "",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Tell why somebody was told of alerts at a time, or was not."""
    fields = [("matcher", one) for one in matchers or []]
    fields += [("at", read_at(at))] if at else []
    fields += [("who", who)] if who else []
    query = f"?{urlencode(fields)}" if fields else ""
    found = call(asked(server, data, tenant), f"GET /api/alerting/timeline{query}")
    if as_json:
        print_json(found)
        return
    OUT.print(found["verdict"], markup=False)
    for story in found["alerts"]:
        _show(story)
    if found["more"]:
        OUT.print(f"\nand {found['more']} alerts more", markup=False)


def _show(story: dict[str, Any]) -> None:
    named = shown_labels(story["labels"]) or story["name"]
    OUT.print(f"\n{named} ({story['fingerprint']}): {story['verdict']}", markup=False)
    for line in story["lines"]:
        OUT.print(f"  {line['at'][:19].replace('T', ' ')}  {line['text']}", markup=False)
