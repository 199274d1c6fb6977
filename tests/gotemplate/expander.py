"""Expands the cases of the conformance kit: a JSON object a line in, what comes out a line."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.gotemplate.instant import instant

from pharos.errors import Kind, PharosError
from pharos.labels import Labels, labels_of
from pharos.notify.template import Templates
from pharos.notify.template_data import read_data
from pharos.rules.template import Around, check_template, expand


def annotation(case: dict[str, Any]) -> str:
    """Return what the template of a rule says. Raises PharosError where it fails."""
    check_template(case["template"])
    labels = {str(name): str(value) for name, value in case.get("labels", {}).items()}
    series = {str(name): float(value) for name, value in case.get("series", {}).items()}

    def query(text: str) -> list[tuple[Labels, float]]:
        return instant(text, series)

    around = Around(
        query,
        round(case.get("time", 0) * 1000),
        labels_of(case.get("external_labels", {})),
        case.get("external_url", ""),
    )
    text = expand(case["template"], labels, float(case.get("value", 1)), around)
    if text.startswith("<error expanding template:"):
        raise PharosError(Kind.INVALID, text)
    return text


def main() -> None:
    """Answer each line."""
    for line in sys.stdin:
        case = json.loads(line)
        try:
            answer = {"output": annotation(case) if case["kind"] == "annotation" else notification(case)}
        except PharosError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


def notification(case: dict[str, Any]) -> str:
    """Return what the template of a notification says. Raises PharosError where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in case.get("files", {}).items():
            Path(folder, name).write_text(text, encoding="utf-8")
        templates = Templates.load([Path(folder, "*.tmpl")])
    is_html = case.get("type") == "html"
    return templates.expand(case["template"], read_data(case["data"]), 0, is_html=is_html)


if __name__ == "__main__":
    main()
