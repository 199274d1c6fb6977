"""The shapes of the Prometheus API's answers, for the OpenAPI document: types are generated from it.

Answers are not built of these (a million samples would not stand it); the contract tests hold both together.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

LabelSet = dict[str, str]
Point = Annotated[tuple[float, str], Field(description="Unix time in seconds, value as text.")]
Bucket = Annotated[
    tuple[int, str, str, str], Field(description="Boundary rule, lower bound, upper bound, count.")
]


class _Shape(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_serialization_defaults_required=False, defer_build=True
    )


class Success(_Shape, Generic[T]):
    """A successful answer."""

    status: Literal["success"]
    data: T
    warnings: list[str] = []
    infos: list[str] = []


class Failure(_Shape):
    """A failed request."""

    status: Literal["error"]
    errorType: Literal[
        "bad_data",
        "execution",
        "timeout",
        "canceled",
        "internal",
        "unavailable",
        "not_found",
        "forbidden",
        "unauthorized",
        "conflict",
    ]
    error: str
    code: Literal["no_tenant"] | None = None
    """What programs tell it by, whatever its text says; not there for most."""


class HistogramValue(_Shape):
    """A native histogram."""

    count: str
    sum: str
    buckets: list[Bucket] = []


HistogramPoint = tuple[float, HistogramValue]


class VectorItem(_Shape):
    """One series of an instant vector."""

    metric: LabelSet
    value: Point | None = None
    histogram: HistogramPoint | None = None


class MatrixItem(_Shape):
    """One series of a range vector."""

    metric: LabelSet
    values: list[Point] = []
    histograms: list[HistogramPoint] = []


class Timings(_Shape):
    """Seconds a query spent where."""

    evalTotalTime: float
    resultSortTime: float
    queryPreparationTime: float
    innerEvalTime: float
    execQueueTime: float
    execTotalTime: float


class SampleCounts(_Shape):
    """Samples a query looked at."""

    totalQueryableSamples: int
    peakSamples: int
    totalQueryableSamplesPerStep: list[list[float]] = []


class QueryStats(_Shape):
    """What a query took; asked for by `stats`."""

    timings: Timings
    samples: SampleCounts


class _Result(_Shape):
    stats: QueryStats | None = None


class VectorResult(_Result):
    """An instant vector."""

    resultType: Literal["vector"]
    result: list[VectorItem]


class MatrixResult(_Result):
    """A range vector."""

    resultType: Literal["matrix"]
    result: list[MatrixItem]


class ScalarResult(_Result):
    """A number or a text."""

    resultType: Literal["scalar", "string"]
    result: Point


QueryResult = Annotated[VectorResult | MatrixResult | ScalarResult, Field(union_mode="left_to_right")]


class ExemplarShape(_Shape):
    """One exemplar."""

    labels: LabelSet
    value: str
    timestamp: float


class SeriesExemplars(_Shape):
    """The exemplars of a series."""

    seriesLabels: LabelSet
    exemplars: list[ExemplarShape]


class MetricDescription(_Shape):
    """What senders say of a metric."""

    type: str
    help: str
    unit: str


class TargetMetadata(MetricDescription):
    """What a target says of a metric."""

    target: LabelSet
    metric: str = ""


class ActiveTarget(_Shape):
    """A target that is scraped."""

    discoveredLabels: LabelSet
    labels: LabelSet
    scrapePool: str
    scrapeUrl: str
    globalUrl: str
    lastError: str
    lastScrape: str
    lastScrapeDuration: float
    health: Literal["up", "down", "unknown"]
    scrapeInterval: str
    scrapeTimeout: str


class DroppedTargetShape(_Shape):
    """A target that relabelling dropped."""

    discoveredLabels: LabelSet
    scrapePool: str


class DiscoveryError(_Shape):
    """Why some targets of a job may not be known just now; those that it had stay."""

    scrapePool: str
    error: str


class Targets(_Shape):
    """All targets."""

    activeTargets: list[ActiveTarget]
    droppedTargets: list[DroppedTargetShape]
    droppedTargetCounts: dict[str, int]
    discoveryErrors: list[DiscoveryError]


class ScrapePools(_Shape):
    """The names of all jobs."""

    scrapePools: list[str]


class RelabelStep(_Shape):
    """What one rule of relabelling made of the labels."""

    rule: dict[str, Any]
    output: LabelSet
    keep: bool


class RelabelSteps(_Shape):
    """Relabelling step by step."""

    steps: list[RelabelStep]


class AlertShape(_Shape):
    """An alert that is pending or firing."""

    labels: LabelSet
    annotations: LabelSet
    state: str
    activeAt: str | None = None
    value: str
    keepFiringSince: str | None = None


class Alerts(_Shape):
    """All alerts that are pending or firing."""

    alerts: list[AlertShape]


class RuleGroup(_Shape):
    """A group of rules."""

    name: str
    file: str
    rules: list[dict[str, Any]]
    interval: float
    limit: int
    evaluationTime: float
    lastEvaluation: str


class RuleGroups(_Shape):
    """All groups of rules."""

    groups: list[RuleGroup]
    groupNextToken: str | None = None


class AlertmanagerAddress(_Shape):
    """One Alertmanager."""

    url: str


class Alertmanagers(_Shape):
    """Where alerts go."""

    activeAlertmanagers: list[AlertmanagerAddress]
    droppedAlertmanagers: list[AlertmanagerAddress]


class Notification(_Shape):
    """Something that the operator should know."""

    text: str
    date: str
    active: bool


class BuildInfo(_Shape):
    """Which version this is."""

    application: str
    version: str
    pharosVersion: str
    revision: str
    branch: str
    buildUser: str
    buildDate: str
    goVersion: str
    pythonVersion: str
    engineVersion: str


class RuntimeInfo(_Shape):
    """How the process fares."""

    startTime: str
    CWD: str
    hostname: str
    serverTime: str
    reloadConfigSuccess: bool
    lastConfigTime: str
    corruptionCount: int
    goroutineCount: int
    GOMAXPROCS: int
    GOMEMLIMIT: int
    GOGC: str
    GODEBUG: str
    storageRetention: str


class ConfigText(_Shape):
    """The settings in force."""

    yaml: str


class WalReplay(_Shape):
    """How far the log is read again."""

    min: int
    max: int
    current: int
    state: Literal["waiting", "in progress", "done"]


class Count(_Shape):
    """How many of what."""

    name: str
    value: int


class HeadStats(_Shape):
    """Today's series."""

    numSeries: int
    numLabelPairs: int
    chunkCount: int
    samples: int
    minTime: int
    maxTime: int


class TsdbStatus(_Shape):
    """What takes the most series."""

    headStats: HeadStats
    seriesCountByMetricName: list[Count]
    labelValueCountByLabelName: list[Count]
    memoryInBytesByLabelName: list[Count]
    seriesCountByLabelValuePair: list[Count]


class Snapshot(_Shape):
    """The name of a snapshot below `snapshots` in the data folder."""

    name: str
