"""Settings: one document (pharos.yml), gathered into frozen records."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pharos.clock import parse_duration_ms
from pharos.errors import Kind, PharosError

_FILE_MAX_BYTES = 1 << 20


def _duration_ms(value: object) -> object:
    return parse_duration_ms(str(value)) if isinstance(value, str | int) else value


_SIZES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def _size_bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip().upper()
    for unit in sorted(_SIZES, key=len, reverse=True):
        if text.endswith(unit):
            try:
                return int(float(text[: -len(unit)]) * _SIZES[unit])
            except ValueError:
                break
    raise PharosError(Kind.INVALID, f"not a size: {value!r}", hint="write it as 512MB or 2GB")


DurationMs = Annotated[int, BeforeValidator(_duration_ms)]
SizeBytes = Annotated[int, BeforeValidator(_size_bytes)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Retention(_Section):
    """How long each kind of telemetry is kept; 0 keeps it for ever."""

    metrics: DurationMs = Field(default=30 * 86_400_000, description="How long samples are kept.")


class Ingest(_Section):
    """What is accepted."""

    max_sample_age: DurationMs = Field(
        default=7 * 86_400_000, description="Older samples are refused; 0 accepts any age."
    )
    min_free_disk: SizeBytes = Field(
        default=512 << 20, description="Below this much free disk nothing is accepted."
    )
    max_pending: SizeBytes = Field(
        default=192 << 20,
        description="Accepted but not yet stored samples in memory before senders must wait.",
    )
    max_body: SizeBytes = Field(default=32 << 20, description="The largest request body, packed.")
    max_receiving: SizeBytes = Field(
        default=128 << 20,
        description="Memory for request bodies, of all connections, that come in or are not yet dealt with,"
        " before senders must wait; those up to 1 MB may take a quarter more.",
    )
    receive_timeout: DurationMs = Field(
        default=120_000,
        gt=0,
        description="The longest until a request's body is there in whole; the longest until its headers are,"
        " or without a byte of the body, is a quarter of it.",
    )


class Promql(_Section):
    """How queries are answered."""

    experimental: bool = Field(
        default=False, description="Turn on every experimental feature, delayed name removal too."
    )
    lookback: DurationMs = Field(default=300_000, description="How far an instant selector looks back.")
    timeout: DurationMs = Field(default=120_000, description="The longest a query may take.")
    max_samples: int = Field(default=50_000_000, gt=0, description="Samples that a query may load.")
    max_series: int = Field(
        default=1_000_000, ge=0, description="Series that a query may select; 0 is any number."
    )
    max_memory: SizeBytes = Field(
        default=2 << 30,
        description="Memory for the samples and intermediate results of one query; 0 is any amount.",
    )
    cache: SizeBytes = Field(
        default=256 << 20, description="Memory for decoded samples, so that queries read only what is new."
    )
    max_per_tenant: int = Field(
        default=0,
        ge=0,
        description="Queries of one tenant evaluated at once; 0 is as many as engine.query_threads.",
    )
    slow_query: DurationMs = Field(
        default=10_000, description="Slower queries are logged with their plan; 0 logs none."
    )
    max_steps: int = Field(
        default=11_000, gt=0, description="Points per series that a range query may return."
    )


class Engine(_Section):
    """The embedded store's share of the machine."""

    memory: SizeBytes = Field(default=4 << 30, description="Memory of the embedded store.")
    query_threads: int = Field(default=4, gt=0, le=64, description="Queries that run at once.")


class Settings(_Section):
    """Everything that pharos.yml may say."""

    data: Path = Field(default=Path("pharos-data"), description="The folder that holds everything.")
    listen: str = Field(
        default="127.0.0.1:8080", description="Address and port of UI and APIs; port 0 takes a free one."
    )
    insecure: bool = Field(
        default=False, description="Listen beyond loopback although there is no authentication yet."
    )
    prometheus: Path | None = Field(default=None, description="A prometheus.yml whose targets are scraped.")
    admin_api: bool = Field(
        default=False,
        description="Answer requests to delete series; anyone who reaches the port may send them.",
    )
    self_scrape_interval: DurationMs = Field(
        default=2_000, description="How often Pharos and its host are scraped."
    )
    retention: Retention = Retention()
    ingest: Ingest = Ingest()
    promql: Promql = Promql()
    engine: Engine = Engine()

    @property
    def environment(self) -> dict[str, str]:
        """The process's environment, for what a configuration file may refer to."""
        return dict(os.environ)


def load_settings(path: Path | None, overrides: dict[str, Any]) -> Settings:
    """Return the settings of the file at `path` (None: defaults) with `overrides` (None values: not given).

    Raises PharosError(INVALID) that names file, line and key of every fault.
    """
    document: dict[str, Any] = {}
    lines: Any = None
    if path is not None:
        document, lines = _read(path)
        for key in ("data", "prometheus"):
            # A path in a file counts from that file, wherever Pharos is started.
            if isinstance(document.get(key), str):
                document[key] = str(path.parent / document[key])
    document.update({key: value for key, value in overrides.items() if value is not None})
    try:
        return Settings.model_validate(document)
    except ValidationError as exc:
        faults = [_fault(path, lines, error) for error in exc.errors()]
        raise PharosError(Kind.INVALID, "; ".join(faults)) from exc
    except PharosError as exc:
        raise PharosError(exc.kind, f"{path or 'settings'}: {exc.message}", hint=exc.hint) from exc


def _read(path: Path) -> tuple[dict[str, Any], Any]:
    try:
        if path.stat().st_size > _FILE_MAX_BYTES:
            raise PharosError(Kind.TOO_LARGE, f"{path} is larger than {_FILE_MAX_BYTES} bytes")
        loaded = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise PharosError(Kind.INVALID, f"cannot read {path}: {exc.strerror}") from exc
    except (YAMLError, UnicodeDecodeError) as exc:
        raise PharosError(Kind.INVALID, f"{path} is not valid YAML: {' '.join(str(exc).split())}") from exc
    if loaded is None:
        return {}, None
    if not isinstance(loaded, dict):
        raise PharosError(Kind.INVALID, f"{path}: a mapping of settings is expected")
    return dict(loaded), loaded


def _fault(path: Path | None, lines: Any, error: Any) -> str:
    where = str(path) if path else "settings"
    node = lines
    for key in error["loc"]:
        position = getattr(node, "lc", None)
        if position is None or position.data is None or key not in position.data:
            break
        where = f"{path}:{position.data[key][0] + 1}"
        node = node[key]
    return f"{where}: {'.'.join(map(str, error['loc']))}: {error['msg']}"


def split_address(listen: str) -> tuple[str, int]:
    """Return host and port of `host:port`, `:port` or `[v6]:port`.

    Raises PharosError(INVALID) for anything else.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        raise PharosError(Kind.INVALID, f"not an address: {listen!r}", hint="write it as 127.0.0.1:8080")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what ":8080" means everywhere
