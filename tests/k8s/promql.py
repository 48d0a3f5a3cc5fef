"""As much of PromQL as the alerts use, over series of a test; a parser of Prometheus' grammar reads them.

Source: https://prometheus.io/docs/prometheus/latest/querying/basics/. Where promtool is there, the same tests
run through it, so that this evaluator is held to it.
"""

import operator
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import promql_parser as ast

LOOKBACK = 300
"""Seconds for which a sample counts as the present one."""
NAME = "__name__"

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Samples = Sequence[tuple[float, float]]
NOTHING: Labels = frozenset()

ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": lambda a, b: a / b if b else float("nan"),
}  # fmt: skip
COMPARISON: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt, ">=": operator.ge,
    "<=": operator.le,
}  # fmt: skip
AGGREGATION: Mapping[str, Callable[[list[float]], float]] = {"sum": sum, "max": max, "min": min, "count": len}


@dataclass(frozen=True, slots=True)
class Series:
    """A series: `labels` with its name, and samples of (seconds, value) in order."""

    labels: Labels
    samples: Samples

    def at(self, time: float) -> float | None:
        """The present value."""
        place = bisect_right(self.samples, (time, float("inf")))
        if not place or self.samples[place - 1][0] <= time - LOOKBACK:
            return None
        return self.samples[place - 1][1]

    def within(self, time: float, seconds: float) -> Samples:
        first = bisect_right(self.samples, (time - seconds, float("inf")))
        return self.samples[first : bisect_right(self.samples, (time, float("inf")))]


def evaluate(expression: Any, series: Sequence[Series], time: float) -> Vector | float:
    """The value of a parsed expression.

    Raises:
        NotImplementedError: it uses what no alert used so far.
    """
    match expression:
        case ast.NumberLiteral():
            return float(expression.val)
        case ast.ParenExpr():
            return evaluate(expression.expr, series, time)
        case ast.VectorSelector():
            values = ((one.labels, one.at(time)) for one in series if _selects(expression, one))
            return {labels: value for labels, value in values if value is not None}
        case ast.AggregateExpr():
            return _aggregate(expression, _vector(expression.expr, series, time))
        case ast.BinaryExpr():
            left, right = (evaluate(side, series, time) for side in (expression.lhs, expression.rhs))
            return _binary(str(expression.op), left, right)
        case ast.Call():
            return _call(expression, series, time)
    raise NotImplementedError(str(expression))


def _vector(expression: Any, series: Sequence[Series], time: float) -> Vector:
    value = evaluate(expression, series, time)
    assert isinstance(value, dict), f"{expression}: a vector is wanted"
    return value


def _selects(selector: ast.VectorSelector, series: Series) -> bool:
    labels = dict(series.labels)
    matchers = selector.matchers.matchers
    return labels[NAME] == selector.name and all(_matches(one, labels.get(one.name, "")) for one in matchers)


def _matches(matcher: ast.Matcher, value: str) -> bool:
    same = (
        matcher.value == value
        if matcher.op in (ast.MatchOp.Equal, ast.MatchOp.NotEqual)
        else re.fullmatch(matcher.value, value) is not None
    )
    return same == (matcher.op in (ast.MatchOp.Equal, ast.MatchOp.Re))


def _without_name(labels: Labels) -> Labels:
    return frozenset((name, value) for name, value in labels if name != NAME)


def _aggregate(expression: ast.AggregateExpr, vector: Vector) -> Vector:
    kept = set(expression.modifier.labels) if expression.modifier else set()
    groups: dict[Labels, list[float]] = defaultdict(list)
    for labels, value in vector.items():
        groups[frozenset(pair for pair in labels if pair[0] in kept)].append(value)
    return {labels: float(AGGREGATION[str(expression.op)](values)) for labels, values in groups.items()}


def _binary(sign: str, left: Vector | float, right: Vector | float) -> Vector | float:
    if isinstance(left, float):
        raise NotImplementedError("a number on the left")
    here = {_without_name(labels): value for labels, value in left.items()}
    if isinstance(right, float):
        pairs = {labels: (value, right) for labels, value in here.items()}
        return _combine(sign, pairs)
    there = {_without_name(labels): value for labels, value in right.items()}
    if sign == "or":
        return {**there, **here}
    if sign == "and":
        return {labels: value for labels, value in here.items() if labels in there}
    return _combine(sign, {labels: (here[labels], there[labels]) for labels in here.keys() & there.keys()})


def _combine(sign: str, pairs: Mapping[Labels, tuple[float, float]]) -> Vector:
    """Arithmetic gives values, a comparison lets through those that it holds for."""
    if sign in COMPARISON:
        return {labels: left for labels, (left, right) in pairs.items() if COMPARISON[sign](left, right)}
    return {labels: ARITHMETIC[sign](left, right) for labels, (left, right) in pairs.items()}


def _call(call: ast.Call, series: Sequence[Series], time: float) -> Vector:
    match call.func.name:
        case "vector":
            return {NOTHING: float(call.args[0].val)}
        case "absent":
            return {} if _vector(call.args[0], series, time) else {NOTHING: 1.0}
        case "histogram_quantile":
            return _quantiles(float(call.args[0].val), _vector(call.args[1], series, time))
        case "rate" | "increase" | "max_over_time" as name:
            return _over_time(name, call.args[0], series, time)
    raise NotImplementedError(str(call))


def _over_time(name: str, selector: ast.MatrixSelector, series: Sequence[Series], time: float) -> Vector:
    seconds = selector.range.total_seconds()
    result: Vector = {}
    for one in series:
        samples = one.within(time, seconds) if _selects(selector.vector_selector, one) else ()
        if name == "max_over_time" and samples:
            result[_without_name(one.labels)] = max(value for _, value in samples)
        elif name != "max_over_time" and len(samples) > 1:
            grown = _increase(samples, time, seconds)
            result[_without_name(one.labels)] = grown / seconds if name == "rate" else grown
    return result


def _increase(samples: Samples, time: float, seconds: float) -> float:
    """Growth of a counter, resets mended, drawn out to the ends of the range as Prometheus does."""
    (first_time, first), (last_time, _) = samples[0], samples[-1]
    grown = sum(after - before if after >= before else after for (_, before), (_, after) in pairwise(samples))
    span = last_time - first_time
    between = span / (len(samples) - 1)
    to_start, to_end = first_time - (time - seconds), time - last_time
    if to_start >= between * 1.1:
        to_start = between / 2
    if grown > 0 and first >= 0:
        to_start = min(to_start, span * first / grown)
    if to_end >= between * 1.1:
        to_end = between / 2
    return grown * (span + to_start + to_end) / span


def _quantiles(share: float, buckets: Vector) -> Vector:
    histograms: dict[Labels, list[tuple[float, float]]] = defaultdict(list)
    for labels, value in buckets.items():
        rest = frozenset(pair for pair in labels if pair[0] not in ("le", NAME))
        histograms[rest].append((float(dict(labels)["le"]), value))
    return {labels: _quantile(share, sorted(found)) for labels, found in histograms.items()}


def _quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float:
    """Linear within the bucket in which the rank falls."""
    rank = share * buckets[-1][1]
    place = next(index for index, (_, total) in enumerate(buckets) if total >= rank)
    bound, total = buckets[place]
    if place == len(buckets) - 1:
        return buckets[-2][0]
    low, below = buckets[place - 1] if place else (0.0, 0.0)
    return low + (bound - low) * (rank - below) / (total - below)
