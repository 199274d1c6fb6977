"""Random PromQL over the series of `random_series`: valid expressions of every kind, by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.differential.demo import BASE_MS
from tests.differential.random_series import LAST_MS

_FLOATS = ("c_total", "g", "g2", "w", "only", "bare", "up", "h_bucket", "h_count", "h_sum", "target_info")
_NATIVE = ("nh", "nhcb", "mixed")
_LABELS = ("job", "instance", "code", "zone", "le", "absent_label")
_MATCHERS = (
    'job="api"', 'job!="api"', 'job=~"api|web"', 'job!~"w.*"', 'instance="a:1"', 'instance=~"[ab]:.*"',
    'code="200"', 'code=~"2.."', 'code!="500"', 'code=""', 'zone=~"e.*"', 'zone!=""', 'job=~".+"',
    'instance=~"a:1|b:2|d:4"', 'nothing="here"', 'le="+Inf"', 'zone=~".*ï.*"', 'job="api",instance!="c:3"',
)  # fmt: skip
_ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
_COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
_MATH = (
    "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "round", "sin", "cos", "tan", "asin",
    "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad",
)  # fmt: skip
_DATES = (
    "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year",
)  # fmt: skip
_RANGES = (
    "rate", "increase", "delta", "irate", "idelta", "changes", "resets", "avg_over_time", "min_over_time",
    "max_over_time", "sum_over_time", "count_over_time", "stddev_over_time", "stdvar_over_time",
    "last_over_time", "present_over_time", "absent_over_time", "deriv",
)  # fmt: skip
_RANGES_3 = (
    "first_over_time", "mad_over_time", "ts_of_first_over_time", "ts_of_last_over_time",
    "ts_of_max_over_time", "ts_of_min_over_time",
)  # fmt: skip
_AGGREGATIONS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
_NATIVE_FUNCTIONS = (
    "histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "histogram_stdvar",
)  # fmt: skip
_NUMBERS = ("0", "1", "2", "-1", "0.5", "3", "100", "1e3", "0x1F", "NaN", "Inf", "-Inf")
_SELECTIONS = 40
"""How many sets of matchers a generator uses again and again: the server then knows most selections, and
the time goes to evaluation rather than to looking up series. Other seeds have others."""
_SPANS = ("15s", "30s", "1m", "2m", "5m", "10m", "20m", "1h", "90s")


class Generator:
    """Makes expressions; the same random generator makes the same ones.

    `modern` adds what only Prometheus 3.x has, and what it answers otherwise than 2.x
    (docs/promql-differences.md).
    """

    def __init__(self, rng: random.Random, *, modern: bool) -> None:
        self._rng = rng
        self._modern = modern
        self._in_subquery = False
        self._selections = [self._fresh_matchers() for _ in range(_SELECTIONS)]
        self._arithmetic = _ARITHMETIC if modern else tuple(op for op in _ARITHMETIC if op != "atan2")

    def expression(self) -> str:
        """Return an instant vector or a scalar in words."""
        rng = self._rng
        depth = rng.choice((1, 2, 2, 3, 3, 4))
        if rng.random() < 0.05:
            return self.scalar(depth)
        vector = self.vector(depth)
        if rng.random() < 0.05:
            return f"{rng.choice(('sort', 'sort_desc'))}({vector})"
        return vector

    def _pick(self, *ways: tuple[float, Callable[[], str]]) -> str:
        chosen = self._rng.choices([way for _, way in ways], [weight for weight, _ in ways])[0]
        return chosen()

    def vector(self, depth: int) -> str:
        """Return an expression of type instant vector."""
        if depth <= 0:
            return self.selector()
        ways: list[tuple[float, Callable[[], str]]] = [
            (2, self.selector),
            (5, lambda: self._aggregation(depth - 1)),
            (4, lambda: self._range_function(depth - 1)),
            (2, lambda: self._plain_function(depth - 1)),
            (4, lambda: self._binary(depth - 1)),
            (1, lambda: self._set_operation(depth - 1)),
            (1, lambda: self._labels_function(depth - 1)),
            (1, self._quantile),
            (0.5, lambda: f"-({self.vector(depth - 1)})"),
            (0.5, lambda: f"vector({self.scalar(depth - 1)})"),
            (0.5, lambda: f"absent({self.vector(depth - 1)})"),
            (0.5, lambda: f"timestamp({self.vector(depth - 1) if self._modern else self._matched()})"),
        ]
        if self._modern:
            ways += [(1.5, lambda: self._native(depth - 1)), (1.5, lambda: self._new(depth - 1))]
        return self._pick(*ways)

    def scalar(self, depth: int) -> str:
        """Return an expression of type scalar."""
        rng = self._rng
        if depth <= 0 or rng.random() < 0.5:
            return rng.choice(_NUMBERS)
        ways: list[tuple[float, Callable[[], str]]] = [
            (1, lambda: f"scalar({self.vector(depth - 1)})"),
            (1, lambda: "time()"),
            (0.3, lambda: "pi()"),
            (1, lambda: self._scalar_operation(depth)),
        ]
        if self._modern:
            inner = (self.scalar(0), self.scalar(0))
            ways.append((0.5, lambda: f"{rng.choice(('min_of', 'max_of'))}({inner[0]}, {inner[1]})"))
            ways.append((0.5, lambda: rng.choice(("step()", "range()", "start()", "end()"))))
        return self._pick(*ways)

    def _scalar_operation(self, depth: int) -> str:
        left, right = self.scalar(depth - 1), self.scalar(depth - 1)
        if self._rng.random() < 0.3:
            return f"({left} {self._rng.choice(_COMPARISONS)} bool {right})"
        return f"({left} {self._rng.choice(self._arithmetic)} {right})"

    def selector(self, names: tuple[str, ...] = ()) -> str:
        """Return a vector selector, maybe with `offset` and `@`."""
        return self._matched(names) + self._moved()

    def _fresh_matchers(self) -> str:
        return ", ".join(self._rng.sample(_MATCHERS, self._rng.choice((1, 1, 2))))

    def _matchers(self) -> str:
        choice = self._rng.random()
        if choice < 0.5:
            return ""
        return self._fresh_matchers() if choice < 0.52 else self._rng.choice(self._selections)

    def _matched(self, names: tuple[str, ...] = ()) -> str:
        rng = self._rng
        name = rng.choice(names or (_FLOATS * 2 + _NATIVE if self._modern else _FLOATS))
        matchers = self._matchers()
        if rng.random() < 0.04:
            inner = f'__name__=~"{name}|{rng.choice(_FLOATS)}"'
            return "{" + (f"{inner}, {matchers}" if matchers else inner) + "}"
        return f"{name}{{{matchers}}}" if matchers else name

    def _moved(self) -> str:
        rng = self._rng
        if rng.random() < 0.8:
            return ""
        parts = []
        if rng.random() < 0.6:
            parts.append(f"offset {rng.choice(('', '', '-'))}{rng.choice(('15s', '1m', '5m', '10m', '1h'))}")
        if rng.random() < 0.5:
            at = rng.randrange(BASE_MS // 1000, LAST_MS // 1000) // 60 * 60 + 3
            parts.append(rng.choice((f"@ {at}", "@ start()", "@ end()")))
        rng.shuffle(parts)
        return "".join(f" {part}" for part in parts)

    def _matrix(self, depth: int, names: tuple[str, ...] = ()) -> str:
        rng = self._rng
        nested_ok = self._modern or not self._in_subquery
        if depth > 0 and rng.random() < 0.25 and nested_ok:
            was, self._in_subquery = self._in_subquery, True
            inner = self.vector(depth - 1)
            self._in_subquery = was
            step = rng.choice(("", "15s", "30s", "1m", "35s"))
            return f"({inner})[{rng.choice(_SPANS)}:{step}]{self._moved()}"
        span = rng.choice(_SPANS)
        if self._modern and rng.random() < 0.08:
            span = rng.choice(
                (
                    "1m+30s", "2*45s", "(5m-1m)", "max_of(step(), 1m)", "90", "-30s+2m", "3m/2", "1m^1.5",
                    "min_of(range(), 5m)", "step()", "1h30m/18", "0x3c", "1e2", "10m - -5m",
                    "7m%4m",
                )
            )  # fmt: skip
        return f"{self._matched(names)}[{span}]{self._moved()}"

    def _range_function(self, depth: int) -> str:
        rng = self._rng
        matrix = self._matrix(depth)
        choice = rng.random()
        if choice < 0.1:
            return f"quantile_over_time({rng.choice(('0', '0.5', '0.9', '1', '1.5', '-1'))}, {matrix})"
        if choice < 0.15:
            if not self._modern:
                matrix = f"{self._matched()}[{rng.choice(_SPANS)}]"
            return f"predict_linear({matrix}, {rng.choice(('60', '-600', '3600'))})"
        if self._modern and choice < 0.2:
            return f"double_exponential_smoothing({matrix}, {rng.choice(('0.1', '0.5'))}, 0.3)"
        if self._modern and choice < 0.3:
            if rng.random() < 0.5:
                selected = f"{self._matched()}[{rng.choice(_SPANS)}] smoothed"
                return f"{rng.choice(('rate', 'increase', 'delta'))}({selected})"
            selected = f"{self._matched()}[{rng.choice(_SPANS)}] anchored"
            return f"{rng.choice(('rate', 'increase', 'delta', 'resets', 'changes'))}({selected})"
        function = rng.choice(_RANGES + _RANGES_3 if self._modern else _RANGES)
        if function in {"rate", "increase"} and not self._modern:
            matrix = self._matrix(0, ("c_total", "h_bucket", "h_count", "h_sum"))
        if function.startswith("std") and not self._modern:
            matrix = self._matrix(0, ("w",))
        return f"{function}({matrix})"

    def _plain_function(self, depth: int) -> str:
        rng, vector = self._rng, self.vector(depth)
        choice = rng.random()
        if choice < 0.15:
            return f"clamp({vector}, {self.scalar(0)}, {self.scalar(0)})"
        if choice < 0.3:
            return f"{rng.choice(('clamp_min', 'clamp_max'))}({vector}, {self.scalar(depth)})"
        if choice < 0.4:
            return f"round({vector}, {rng.choice(('0.5', '10', '3', '0.1'))})"
        if choice < 0.5:
            return f"{rng.choice(_DATES)}({vector})"
        return f"{rng.choice(_MATH)}({vector})"

    def _grouping(self) -> str:
        rng = self._rng
        if rng.random() < 0.25:
            return ""
        names = ", ".join(rng.sample(_LABELS, rng.choice((0, 1, 1, 2, 3))))
        return f" {rng.choice(('by', 'by', 'without'))} ({names})"

    def _aggregation(self, depth: int) -> str:
        rng, grouping = self._rng, self._grouping()
        choice = rng.random()
        if self._modern and choice < 0.04:
            return self._odd_aggregation(depth, grouping)
        if choice < 0.08:
            rank = rng.choice(("0", "0.25", "0.5", "0.99", "1", "2"))
            return f"quantile{grouping} ({rank}, {self.vector(depth)})"
        if choice < 0.16:
            return (
                f"{rng.choice(('topk', 'bottomk'))}{grouping} ({rng.choice('0123')}, {self.selector(('w',))})"
            )
        if choice < 0.22:
            label = rng.choice(("v", "job")) if self._modern else "zz"
            return f'count_values{grouping} ("{label}", {self.selector(("g", "up", "c_total"))})'
        operator = rng.choice(_AGGREGATIONS)
        if operator.startswith("std") and not self._modern:
            return f"{operator}{grouping} ({self.selector(('w',))})"
        return f"{operator}{grouping} ({self.vector(depth)})"

    def _odd_aggregation(self, depth: int, grouping: str) -> str:
        """Return an aggregation with a parameter that changes, or of what most aggregations leave out."""
        rng = self._rng
        choice = rng.random()
        if choice < 0.3:
            return f"{rng.choice(('topk', 'bottomk'))}{grouping} (scalar(up) + 1, {self.selector(('w',))})"
        if choice < 0.5:
            return f"quantile{grouping} ({self.scalar(depth)}, {self.vector(depth)})"
        if choice < 0.7:
            label = rng.choice(("v", "job", "__name__", "ünïcode"))
            return f'count_values{grouping} ("{label}", {self.vector(depth)})'
        if choice < 0.85:
            return f"limit_ratio{grouping} ({rng.choice(('0.5', '-0.5'))}, {self.vector(depth)})"
        return f"count({rng.choice(('topk', 'bottomk', 'limitk'))}{grouping} (2, {self.vector(depth)}))"

    def _matching(self, *, sets: bool = False) -> str:
        rng = self._rng
        choice = rng.random()
        if choice < 0.3:
            return ""
        names = ", ".join(rng.sample(("job", "instance", "code", "zone"), rng.choice((0, 1, 1, 2, 2))))
        out = f" {rng.choice(('on', 'on', 'ignoring'))} ({names})"
        if not sets and rng.random() < 0.5:
            out += rng.choice((" group_left", " group_right", " group_left (zone)", " group_right (code)"))
        if self._modern and not sets and rng.random() < 0.15:
            out += rng.choice((" fill(0)", " fill_left(1)", " fill_right(-1)", " fill_left(1) fill_right(2)"))
        return out

    def _binary(self, depth: int) -> str:
        rng = self._rng
        compare = rng.random() < 0.35
        operator = rng.choice(_COMPARISONS if compare else self._arithmetic)
        word = " bool" if compare and rng.random() < 0.5 else ""
        choice = rng.random()
        if choice < 0.3:
            return f"({self.vector(depth)} {operator}{word} {self.scalar(depth)})"
        if choice < 0.45:
            return f"({self.scalar(depth)} {operator}{word} {self.vector(depth)})"
        if choice < 0.6:
            both = self.vector(depth)
            return f"({both} {operator}{word} {both})"
        if choice < 0.75:
            names = ", ".join(rng.sample(("job", "instance", "code"), rng.choice((1, 1, 2))))
            operators = _AGGREGATIONS if self._modern else _AGGREGATIONS[:6]
            left, right = (f"{rng.choice(operators)} by ({names}) ({self.vector(depth - 1)})" for _ in "lr")
            return f"({left} {operator}{word} on ({names}) {right})"
        if compare and not self._modern:
            word = " bool"
        return f"({self.vector(depth)} {operator}{word}{self._matching()} {self.vector(depth)})"

    def _set_operation(self, depth: int) -> str:
        operator = self._rng.choice(("and", "or", "unless"))
        return f"({self.vector(depth)} {operator}{self._matching(sets=True)} {self.vector(depth)})"

    def _labels_function(self, depth: int) -> str:
        rng, vector = self._rng, self.vector(depth)
        if self._modern and rng.random() < 0.2:
            return rng.choice(
                (
                    f'label_replace({vector}, "__name__", "new_$1", "job", "(.+)")',
                    f'label_replace({vector}, "fresh", "$1", "__name__", "(.+)")',
                    f'label_join({vector}, "__name__", "_", "job", "instance")',
                    f'label_replace({vector}, "job", "${{all}}$$-$9", "job", "(?P<all>.*)")',
                    f'sort_by_label_desc({vector}, "zone", "code")',
                )
            )
        if rng.random() < 0.5:
            source = rng.choice(_LABELS)
            target = rng.choice(("job", "fresh", "instance"))
            pattern, to = rng.choice((("(.*)", "x-$1"), ("(a|b):(.*)", "$2-$1"), ("api", "b"), (".*", "")))
            return f'label_replace({vector}, "{target}", "{to}", "{source}", "{pattern}")'
        return f'label_join({vector}, "{rng.choice(("fresh", "job"))}", "-", "job", "{rng.choice(_LABELS)}")'

    def _quantile(self) -> str:
        rng = self._rng
        inner = f"rate(h_bucket[{rng.choice(('1m', '5m', '20m'))}])"
        if rng.random() < 0.5:
            inner = f"sum by (le{rng.choice(('', ', job'))}) ({inner})"
        if rng.random() < 0.2:
            inner = "h_bucket"
        return f"histogram_quantile({rng.choice(('0', '0.5', '0.9', '0.99', '1', '-1', 'NaN'))}, {inner})"

    def _native(self, depth: int) -> str:
        rng = self._rng
        vector = self.selector(_NATIVE)
        if depth > 0:
            ranged = f"{rng.choice(('rate', 'increase', 'delta', 'sum_over_time', 'avg_over_time'))}"
            vector = rng.choice((vector, f"{ranged}({self._matrix(0, _NATIVE)})"))
            vector = rng.choice((vector, f"{rng.choice(('sum', 'avg'))}{self._grouping()} ({vector})"))
        choice = rng.random()
        if choice < 0.25:
            return f"histogram_quantile({rng.choice(('0', '0.5', '0.9', '1', '2'))}, {vector})"
        if choice < 0.4:
            low, high = rng.choice(("0", "-Inf", "0.5")), rng.choice(("1", "+Inf"))
            return f"histogram_fraction({low}, {high}, {vector})"
        if choice < 0.7:
            return f"{rng.choice(_NATIVE_FUNCTIONS)}({vector})"
        if choice < 0.8:
            return (
                f"({vector} {rng.choice(('*', '/', '+', '-', '==', '!='))} {rng.choice((vector, '2', '0'))})"
            )
        if choice < 0.88:
            return f"({vector} {rng.choice(('</', '>/'))} {rng.choice(('0', '0.7', '1', '-1', 'Inf'))})"
        if choice < 0.94:
            return f'histogram_quantiles({vector}, "q", 0.1, 0.9)'
        return vector

    def _new(self, depth: int) -> str:
        rng = self._rng
        choice = rng.random()
        if choice < 0.25:
            return f"count(limitk{self._grouping()} ({rng.choice('0125')}, {self.vector(depth)}))"
        if choice < 0.5:
            return f"limit_ratio({rng.choice(('0', '0.3', '-0.5', '1', '-1', '1.5'))}, {self.vector(depth)})"
        if choice < 0.75:
            known = rng.choice(("", ', {version=~".+"}', ', {__name__="target_info"}', ', {version="1"}'))
            return f"info({self.selector(('g', 'g2', 'w', 'c_total'))}{known})"
        if choice < 0.85:
            return f'sort_by_label({self.vector(depth)}, "job", "instance")'
        if choice < 0.95:
            return f"start_timestamp({self.selector()})"
        return f"({self._matched()} smoothed)"
