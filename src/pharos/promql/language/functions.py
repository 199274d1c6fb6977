"""The one table of PromQL's functions, and the one of its aggregators.

Names, argument types and arity follow Prometheus 3.14 (promql/parser/functions.go). What parser, checker,
planner, evaluator, the cache of answers and the documentation know of a function stands here; how it is
computed stands in `promql.calls`, once for each (tests/promql/test_functions.py).
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from msgspec import Struct

from pharos.promql.language.ast import ValueType

_V: Final = ValueType.VECTOR
_M: Final = ValueType.MATRIX
_S: Final = ValueType.SCALAR
_T: Final = ValueType.STRING


class Reads(Enum):
    """What a function reads of the native histograms of its argument."""

    ALL = "all"
    TOTALS = "totals"
    """Count and sum: the buckets below it need not be read."""
    BUCKETS = "buckets"
    """Buckets, whatever the functions around it read."""


class Function(Struct, frozen=True):
    """A function of the language.

    `variadic` counts as upstream: 0 takes exactly `args`; n > 0 lets the last argument be left out or stand
    up to n times; -1 lets it stand any number of times. `varies` says that the answer changes with the time
    of evaluation even where no argument does (upstream AtModifierUnsafeFunctions). `keeps_name` says that
    series keep the metric's name. `reads` is what of native histograms matters; `floats_only` leaves those
    out that stand beside floats in a range, and tells. `sees_samples` looks at samples as they are stored
    where its argument is a selector, rather than at their values at a step. Without `reusable`, the answer
    hangs on more than the samples around a step, or two series may become one, which is refused even where
    they do not meet in time: what is kept of it cannot be continued.
    """

    name: str
    args: tuple[ValueType, ...]
    returns: ValueType
    doc: str
    variadic: int = 0
    experimental: bool = False
    varies: bool = False
    keeps_name: bool = False
    reads: Reads = Reads.ALL
    floats_only: bool = False
    sees_samples: bool = False
    reusable: bool = True

    @property
    def least(self) -> int:
        """Return the smallest number of arguments that is accepted."""
        return len(self.args) if self.variadic == 0 else len(self.args) - 1

    @property
    def most(self) -> int | None:
        """Return the largest number of arguments that is accepted; None: no limit."""
        if self.variadic == 0:
            return len(self.args)
        return None if self.variadic < 0 else len(self.args) - 1 + self.variadic


class Aggregator(Struct, frozen=True):
    """An aggregation operator; `param` is the type of the parameter before the vector, None without one."""

    name: str
    doc: str
    param: ValueType | None = None
    experimental: bool = False


def _of_vector(name: str, doc: str, **more: Any) -> Function:
    return Function(name, (_V,), _V, doc, **more)


def _over_time(name: str, doc: str, **more: Any) -> Function:
    return Function(name, (_M,), _V, doc, **more)


def _of_date(name: str, doc: str) -> Function:
    return Function(name, (_V,), _V, doc, variadic=1, varies=True)


def _of_query(name: str, doc: str) -> Function:
    return Function(name, (), _S, doc, experimental=True, reusable=False)


_MATH: Final = (
    _of_vector("abs", "Absolute value of every sample."),
    _of_vector("ceil", "Every sample rounded up to the next integer."),
    Function("clamp", (_V, _S, _S), _V, "Every sample kept between a minimum and a maximum."),
    Function("clamp_max", (_V, _S), _V, "Every sample kept at or below a maximum."),
    Function("clamp_min", (_V, _S), _V, "Every sample kept at or above a minimum."),
    _of_vector("exp", "The exponential function of every sample."),
    _of_vector("floor", "Every sample rounded down to the next integer."),
    _of_vector("ln", "The natural logarithm of every sample."),
    _of_vector("log10", "The decimal logarithm of every sample."),
    _of_vector("log2", "The binary logarithm of every sample."),
    Function("round", (_V, _S), _V, "Every sample rounded to the nearest multiple.", variadic=1),
    _of_vector("sgn", "The sign of every sample: 1, 0 or -1."),
    _of_vector("sqrt", "The square root of every sample."),
    Function("max_of", (_S, _S), _S, "The larger of two scalars.", experimental=True),
    Function("min_of", (_S, _S), _S, "The smaller of two scalars.", experimental=True),
    Function("pi", (), _S, "The number pi."),
    _of_vector("acos", "Arc cosine of every sample."),
    _of_vector("acosh", "Inverse hyperbolic cosine of every sample."),
    _of_vector("asin", "Arc sine of every sample."),
    _of_vector("asinh", "Inverse hyperbolic sine of every sample."),
    _of_vector("atan", "Arc tangent of every sample."),
    _of_vector("atanh", "Inverse hyperbolic tangent of every sample."),
    _of_vector("cos", "Cosine of every sample."),
    _of_vector("cosh", "Hyperbolic cosine of every sample."),
    _of_vector("deg", "Radians turned into degrees."),
    _of_vector("rad", "Degrees turned into radians."),
    _of_vector("sin", "Sine of every sample."),
    _of_vector("sinh", "Hyperbolic sine of every sample."),
    _of_vector("tan", "Tangent of every sample."),
    _of_vector("tanh", "Hyperbolic tangent of every sample."),
)

_RANGES: Final = (
    _over_time("absent_over_time", "1 where a range has no sample, else nothing."),
    _over_time("avg_over_time", "Average of the samples of a range."),
    _over_time("changes", "How often the value changed within a range."),
    _over_time("count_over_time", "Number of samples of a range."),
    _over_time("delta", "Difference over a range of a gauge, extrapolated to the whole range."),
    _over_time("deriv", "Derivative per second of a gauge, by linear regression.", floats_only=True),
    Function(
        "double_exponential_smoothing",
        (_M, _S, _S),
        _V,
        "Smoothed value of a gauge, with a smoothing and a trend factor.",
        experimental=True,
        floats_only=True,
    ),
    _over_time("first_over_time", "Oldest sample of a range.", keeps_name=True),
    _over_time("idelta", "Difference of the last two samples of a range."),
    _over_time("increase", "Increase of a counter over a range, extrapolated to the whole range."),
    _over_time("irate", "Increase per second between the last two samples of a range."),
    _over_time("last_over_time", "Most recent sample of a range.", keeps_name=True),
    _over_time("mad_over_time", "Median absolute deviation of a range.", experimental=True, floats_only=True),
    _over_time("max_over_time", "Largest sample of a range.", floats_only=True),
    _over_time("min_over_time", "Smallest sample of a range.", floats_only=True),
    Function(
        "predict_linear",
        (_M, _S),
        _V,
        "Value of a gauge so many seconds from now, by linear regression.",
        varies=True,
        floats_only=True,
    ),
    _over_time("present_over_time", "1 where a range has a sample."),
    Function("quantile_over_time", (_S, _M), _V, "Quantile of the samples of a range.", floats_only=True),
    _over_time("rate", "Increase per second of a counter over a range, extrapolated."),
    _over_time("resets", "How often a counter was reset within a range."),
    _over_time("stddev_over_time", "Standard deviation of the samples of a range.", floats_only=True),
    _over_time("stdvar_over_time", "Variance of the samples of a range.", floats_only=True),
    _over_time("sum_over_time", "Sum of the samples of a range."),
    _over_time("ts_of_first_over_time", "Time of the oldest sample of a range.", experimental=True),
    _over_time("ts_of_last_over_time", "Time of the most recent sample of a range.", experimental=True),
    _over_time(
        "ts_of_max_over_time", "Time of the largest sample of a range.", experimental=True, floats_only=True
    ),
    _over_time(
        "ts_of_min_over_time", "Time of the smallest sample of a range.", experimental=True, floats_only=True
    ),
)

_HISTOGRAMS: Final = (
    _of_vector("histogram_avg", "Average of the observations of every native histogram.", reads=Reads.TOTALS),
    _of_vector("histogram_count", "Number of observations of every native histogram.", reads=Reads.TOTALS),
    Function(
        "histogram_fraction",
        (_S, _S, _V),
        _V,
        "Share of the observations between two bounds.",
        reads=Reads.BUCKETS,
    ),
    Function(
        "histogram_quantile", (_S, _V), _V, "Quantile of classic or native histograms.", reads=Reads.BUCKETS
    ),
    Function(
        "histogram_quantiles",
        (_V, _T, _S, _S),
        _V,
        "Several quantiles at once, each in a label of its own.",
        variadic=9,
        experimental=True,
        reads=Reads.BUCKETS,
    ),
    _of_vector(
        "histogram_stddev",
        "Standard deviation of the observations of every native histogram.",
        reads=Reads.BUCKETS,
    ),
    _of_vector(
        "histogram_stdvar", "Variance of the observations of every native histogram.", reads=Reads.BUCKETS
    ),
    _of_vector("histogram_sum", "Sum of the observations of every native histogram.", reads=Reads.TOTALS),
)

_OTHERS: Final = (
    _of_vector("absent", "1 where a vector is empty, else nothing."),
    _of_date("day_of_month", "Day of the month in UTC, 1 to 31."),
    _of_date("day_of_week", "Day of the week in UTC, 0 (Sunday) to 6."),
    _of_date("day_of_year", "Day of the year in UTC, 1 to 366."),
    _of_date("days_in_month", "Number of days of the month in UTC."),
    _of_date("hour", "Hour of the day in UTC, 0 to 23."),
    _of_date("minute", "Minute of the hour in UTC, 0 to 59."),
    _of_date("month", "Month of the year in UTC, 1 to 12."),
    _of_date("year", "Year in UTC."),
    _of_query("end", "End of the query in seconds since the epoch."),
    _of_query("range", "Seconds between start and end of the query."),
    _of_query("start", "Start of the query in seconds since the epoch."),
    _of_query("step", "Seconds between the steps of the query."),
    Function(
        "info",
        (_V, _V),
        _V,
        "Labels of the matching info series added.",
        variadic=1,
        experimental=True,
        keeps_name=True,
        reusable=False,
    ),
    Function(
        "label_join",
        (_V, _T, _T, _T),
        _V,
        "Values of labels joined into a label.",
        variadic=-1,
        keeps_name=True,
        reusable=False,
    ),
    Function(
        "label_replace",
        (_V, _T, _T, _T, _T),
        _V,
        "A label made of what a regex finds in another.",
        keeps_name=True,
        reusable=False,
    ),
    Function("scalar", (_V,), _S, "The one sample of a vector as a scalar, else NaN."),
    _of_vector("sort", "The vector sorted by value, ascending.", keeps_name=True),
    Function(
        "sort_by_label",
        (_V, _T),
        _V,
        "The vector sorted by labels, ascending.",
        variadic=-1,
        experimental=True,
        keeps_name=True,
    ),
    Function(
        "sort_by_label_desc",
        (_V, _T),
        _V,
        "The vector sorted by labels, descending.",
        variadic=-1,
        experimental=True,
        keeps_name=True,
    ),
    _of_vector("sort_desc", "The vector sorted by value, descending.", keeps_name=True),
    Function(
        "start_timestamp",
        (_V,),
        _V,
        "The start timestamp of every sample in seconds since the epoch.",
        experimental=True,
        varies=True,
        sees_samples=True,
    ),
    Function("time", (), _S, "The time of evaluation in seconds since the epoch.", varies=True),
    Function(
        "timestamp",
        (_V,),
        _V,
        "The time of every sample in seconds since the epoch.",
        varies=True,
        sees_samples=True,
    ),
    Function("vector", (_S,), _V, "The scalar as a vector without labels."),
)

FUNCTIONS: Final[dict[str, Function]] = {
    function.name: function for function in (*_MATH, *_RANGES, *_HISTOGRAMS, *_OTHERS)
}
"""Every function by name."""

AGGREGATORS: Final[dict[str, Aggregator]] = {
    aggregator.name: aggregator
    for aggregator in (
        Aggregator("avg", "Average of every group."),
        Aggregator("bottomk", "The k smallest samples of every group.", _S),
        Aggregator("count", "Number of samples of every group."),
        Aggregator("count_values", "Number of samples of every value, the value in a label.", _T),
        Aggregator("group", "1 for every group."),
        Aggregator("limit_ratio", "A share of every group, chosen by hash.", _S, experimental=True),
        Aggregator("limitk", "k samples of every group, chosen by hash.", _S, experimental=True),
        Aggregator("max", "Largest sample of every group."),
        Aggregator("min", "Smallest sample of every group."),
        Aggregator("quantile", "Quantile of every group.", _S),
        Aggregator("stddev", "Standard deviation of every group."),
        Aggregator("stdvar", "Variance of every group."),
        Aggregator("sum", "Sum of every group."),
        Aggregator("topk", "The k largest samples of every group.", _S),
    )
}
"""Every aggregation operator by name."""

ANCHORED_SAFE: Final = ("changes", "delta", "increase", "rate", "resets")
"""The functions that take an `anchored` range (upstream AnchoredSafeFunctions), sorted."""

SMOOTHED_SAFE: Final = ("delta", "increase", "rate")
"""The functions that take a `smoothed` range (upstream SmoothedSafeFunctions), sorted."""

COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
"""The operators that compare, and so take `bool`."""

SET_OPERATORS: Final = frozenset({"and", "or", "unless"})
"""The operators over sets of series."""
