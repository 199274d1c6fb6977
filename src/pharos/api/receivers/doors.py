"""The addresses at which log lines are taken."""

from __future__ import annotations

from pharos.api.http.routes import Operation
from pharos.api.receivers.elastic import ElasticApi
from pharos.api.receivers.journald import JournalUpload
from pharos.api.receivers.lines import LineDoor
from pharos.api.receivers.loki import LokiPush


def line_operations(door: LineDoor) -> list[Operation]:
    """Return what is answered where log lines are taken."""
    return [*LokiPush(door).operations(), *ElasticApi(door).operations(), *JournalUpload(door).operations()]
