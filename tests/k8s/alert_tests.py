"""Promtool's unit tests of alerts, run without promtool.

Source of the format: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import promql_parser as ast

from tests.k8s.promql import NAME, Labels, Series, evaluate

Rule = dict[str, Any]
STEP = re.compile(r"(?P<start>_|-?[\d.]+)((?P<grow>[+-][\d.]+)?x(?P<times>\d+))?")


def differences(rules: Sequence[Rule], test: dict[str, Any]) -> list[str]:
    """What fires otherwise than a test says, a line for each."""
    interval = seconds(test["interval"])
    series = [_series(one["series"], one["values"], interval) for one in test["input_series"]]
    return [
        f"{test['name']}, {case['eval_time']}, {case['alertname']}: {fires}, not {wanted}"
        for case in test["alert_rule_test"]
        if (
            fires := _sorted(
                firing(_rule(rules, case["alertname"]), series, seconds(case["eval_time"]), interval)
            )
        )
        != (wanted := _sorted(_expected(case)))
    ]


def firing(
    rule: Rule, series: Sequence[Series], time: float, interval: float
) -> Iterator[tuple[dict[str, str], str]]:
    """Labels and summary of each alert that fires at a time."""
    expression, patience = ast.parse(rule["expr"]), seconds(rule["for"]) if "for" in rule else 0
    since: dict[Labels, float] = {}
    steps = int(time // interval)
    for step in range(steps + 1):
        now = step * interval
        found = evaluate(expression, series, now)
        assert isinstance(found, dict), rule["alert"]
        since = {_plain(labels): since.get(_plain(labels), now) for labels in found}
    for labels, began in since.items():
        if time - began >= patience:
            yield {**dict(labels), **rule["labels"]}, _fill(rule["annotations"]["summary"], dict(labels))


def seconds(duration: str) -> float:
    return float(ast.parse_duration(duration).total_seconds())


def _plain(labels: Labels) -> Labels:
    return frozenset(pair for pair in labels if pair[0] != NAME)


def _rule(rules: Sequence[Rule], name: str) -> Rule:
    (found,) = (one for one in rules if one["alert"] == name)
    return found


def _expected(case: dict[str, Any]) -> Iterator[tuple[dict[str, str], str]]:
    for one in case["exp_alerts"]:
        yield one["exp_labels"], one["exp_annotations"]["summary"]


def _sorted(alerts: Iterator[tuple[dict[str, str], str]]) -> list[tuple[dict[str, str], str]]:
    return sorted(alerts, key=lambda one: sorted(one[0].items()))


def _fill(text: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: labels.get(match[1], ""), text)


def _series(selector: str, values: str, interval: float) -> Series:
    parsed = ast.parse(selector)
    assert isinstance(parsed, ast.VectorSelector)
    labels = {NAME: str(parsed.name), **{one.name: one.value for one in parsed.matchers.matchers}}
    samples = [(step * interval, value) for step, value in enumerate(_values(values)) if value is not None]
    return Series(frozenset(labels.items()), samples)


def _values(text: str) -> Iterator[float | None]:
    """`2x3` is four twos, `0+7x3` begins at 0 and grows by 7 three times, `_` is a scrape without it."""
    for word in text.split():
        step = STEP.fullmatch(word)
        assert step, word
        times = int(step["times"] or 0)
        if step["start"] == "_":
            yield from [None] * max(1, times)
        else:
            yield from (float(step["start"]) + turn * float(step["grow"] or 0) for turn in range(times + 1))
