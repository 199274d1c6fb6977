"""What is kept of a tenant's detector between two processes: a file, replaced as a whole now and then."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import quote

import orjson

from pharos.anomalies.following import Following
from pharos.durable import replace_durably
from pharos.errors import Kind, PharosError
from pharos.labels import labels_of

_LOG = logging.getLogger(__name__)

_FORMAT = 1


def state_path(folder: Path, tenant: str) -> Path:
    """Return where a tenant's is kept."""
    return folder / f"{quote(tenant, safe='')}.state"


def write_state(path: Path, following: Following, at_ms: int) -> None:
    """Keep the state, as it is at a time. Raises PharosError(UNAVAILABLE) when the medium refuses."""
    series, state = following.state()
    head = {"format": _FORMAT, "at_ms": at_ms, "series": series}
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        replace_durably(path, orjson.dumps(head) + b"\n" + state)
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot write {path}: {exc.strerror}") from exc


def read_state(path: Path, following: Following) -> int:
    """Go on where a former process ended; return when that was, 0 where nothing is kept.

    What cannot be read is told of, and learned anew.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return 0
    except OSError as exc:
        _LOG.warning("what was learned of anomalies is not known: %s: %s", path, exc.strerror)
        return 0
    head, _, state = content.partition(b"\n")
    try:
        found = orjson.loads(head)
        at_ms = int(found["at_ms"])
        series = [(name, query, labels_of(map(tuple, labels))) for name, query, labels in found["series"]]
        following.restore(series, state, at_ms)
    except (PharosError, ValueError, KeyError, TypeError) as exc:
        _LOG.warning("what was learned of anomalies is learned anew: %s: %s", path, exc)
        return 0
    return at_ms


def drop_state(path: Path) -> None:
    """Forget what is kept."""
    path.unlink(missing_ok=True)
