"""The model of a dashboard, whichever language it is written in."""

from __future__ import annotations

from collections.abc import Mapping

from pharos.dashboards.classic import read_classic
from pharos.dashboards.document import Brought, Format
from pharos.dashboards.model import Model
from pharos.dashboards.reading import Json, dig, mappings
from pharos.dashboards.report import Report
from pharos.dashboards.second import classic_lists, read_second
from pharos.dashboards.shapes import tell_shapes
from pharos.dashboards.sources import check_sources


def read_model(
    brought: Brought, uid: str = "", libraries: Mapping[str, Json] | None = None
) -> tuple[Model, Report]:
    """Return the model of a dashboard, and what is to be said of it."""
    report = Report()
    tell_shapes(brought.spec, report, is_second=brought.format is Format.V2)
    if brought.format is Format.V2:
        model = read_second(brought.document, report, uid, libraries)
    else:
        model = read_classic(brought.spec, report, uid, libraries)
    check_sources(model, report)
    return model, report


def lists_of(brought: Brought) -> Json:
    """Return the variables, annotations and links that a document defines, in classic words."""
    spec = brought.spec
    if brought.format is Format.V2:
        return classic_lists(spec)
    return {
        "variables": mappings(dig(spec, ("templating", "list"))),
        "annotations": mappings(dig(spec, ("annotations", "list"))),
        "links": mappings(spec.get("links")),
    }
