"""`pharos explain`: what becomes of an expression, without a server."""

from __future__ import annotations

from typing import Annotated

import typer

from pharos.clock import SystemClock
from pharos.commands.screen import OUT, JsonOption, as_found, print_json
from pharos.errors import PharosError
from pharos.gotext.durations import parse_duration
from pharos.promql.explain import explain_tree
from pharos.promql.language.check import type_of
from pharos.promql.language.parse import parse
from pharos.promql.language.printer import to_json, to_pretty
from pharos.promql.plan import plan

_DEFAULT_SUBQUERY_STEP_MS = 60_000


def explain(
    expression: Annotated[str, typer.Argument(help="PromQL.")],
    last: Annotated[str, typer.Option(help="The range planned for, ending now; 0 for one time.")] = "1h",
    step: Annotated[str, typer.Option(help="The range's step.")] = "15s",
    as_json: JsonOption = False,
) -> None:
    """Show how an expression is read and planned."""
    now_ms = SystemClock().now_ms()
    width_ms = parse_duration(last)
    step_ms = parse_duration(step) if width_ms else 0
    try:
        parsed = parse(expression)
        planned = plan(parsed, now_ms - width_ms, now_ms, step_ms, _DEFAULT_SUBQUERY_STEP_MS, text=expression)
    except PharosError as exc:
        raise as_found(_pointed(exc, expression)) from exc
    if as_json:
        print_json(
            {
                "type": str(type_of(parsed)),
                "formatted": to_pretty(parsed),
                "tree": to_json(parsed),
                "plan": explain_tree(planned).splitlines(),
            }
        )
        return
    OUT.print(f"type: {type_of(parsed)}\n\n{to_pretty(parsed)}\n", markup=False)
    OUT.print(explain_tree(planned), markup=False, end="")


def _pointed(error: PharosError, expression: str) -> PharosError:
    """Return the error with the place in the expression pointed at."""
    if error.position is None or "\n" in expression:
        return error
    mark = f"\n  {expression}\n  {' ' * error.position}^"
    return PharosError(error.kind, error.message + mark, hint=error.hint, position=error.position)
