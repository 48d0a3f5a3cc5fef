"""Alerts and board speak of metrics that exist, and every alert of a section that says what to do."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as ast
import pytest
import redis
import yaml
from prometheus_client.metrics import MetricWrapperBase

import common.metrics
from common.metrics import LABELS
from common.queue.exporter import QueueMetrics
from common.queue.host_metrics import HOST_GAUGES
from common.run.gauges import RUN_GAUGES
from tests.k8s.alert_tests import differences
from tests.k8s.render import ROOT, named, pods
from tests.programs import needs, require
from tests.servers.valkey import Valkey
from workers.process.metrics_server import Readiness

CLOUD = "overlays/gpu-cloud"
HELP = Path(__file__).parents[2] / "docs" / "when-it-goes-wrong.md"
ALERT_TESTS = yaml.safe_load((Path(__file__).parent / "alerts.test.yaml").read_text())
ADDED = {"le", "pod", "instance", "job", "namespace", "model", "status", "state", "host"}
"""By histograms and by the scrape."""
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


@pytest.fixture(scope="module")
def known(_broker: Valkey) -> set[str]:
    """Every series that workers and the queue's metrics have."""
    collectors = [one for one in vars(common.metrics).values() if isinstance(one, MetricWrapperBase)]
    client: redis.Redis = _broker.client()
    families = [
        family for one in (*collectors, QueueMetrics(client), Readiness(Path())) for family in one.collect()
    ]
    own = {f"{family.name}{suffix}" for family in families for suffix in SUFFIXES[family.type]}
    return own | {gauge.name for gauge in (*RUN_GAUGES, *HOST_GAUGES)}


def alerts() -> dict[str, dict[str, str]]:
    (group,) = named(CLOUD, "PrometheusRule", "caption-fleet")["spec"]["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def expressions() -> list[str]:
    board = json.loads(named(CLOUD, "ConfigMap", "grafana-caption-fleet")["data"]["caption-fleet.json"])
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(shown) > 10
    return [*shown, *(rule["expr"] for rule in alerts().values())]


def test_every_metric_that_is_asked_for_exists(known: set[str]) -> None:
    asked = {name for text in expressions() for name in re.findall(r"\bfleet_\w+", text)}
    assert asked <= known, asked - known


def test_every_metric_is_shown(known: set[str]) -> None:
    """A metric that nobody looks at is not worth counting."""
    asked = " ".join(expressions())
    stems = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in known}
    unseen = {stem for stem in stems if stem not in asked}
    assert not unseen, f"{unseen}: no panel in k8s/components/monitoring/caption-fleet.json"


def test_every_alert_has_its_section() -> None:
    sections = set(re.findall(r"^## (Fleet\w+)", HELP.read_text(), re.MULTILINE))
    assert sections == alerts().keys()
    assert {rule["labels"]["severity"] for rule in alerts().values()} <= {"critical", "warning", "info"}  # type: ignore[index]


def test_the_scrape_finds_its_pods() -> None:
    monitor = named(CLOUD, "PodMonitor", "caption-fleet")["spec"]
    (expression,) = monitor["selector"]["matchExpressions"]
    for name in expression["values"]:
        template = named(CLOUD, "Deployment", name)["spec"]["template"]
        assert template["metadata"]["labels"]["app.kubernetes.io/name"] == name
        ports = {port["name"] for port in template["spec"]["containers"][0]["ports"]}
        assert {endpoint["port"] for endpoint in monitor["podMetricsEndpoints"]} == ports


@needs("promtool")
def test_prometheus_understands_the_alerts(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump(named(CLOUD, "PrometheusRule", "caption-fleet")["spec"])
    )
    answer = subprocess.run(
        [str(require("promtool")), "check", "rules", str(tmp_path / "rules.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"{len(alerts())} rules found" in answer.stdout


@pytest.mark.parametrize("test", ALERT_TESTS["tests"], ids=lambda test: test["name"])
def test_the_alerts_fire_when_they_should(test: dict[str, Any]) -> None:
    assert differences(list(alerts().values()), test) == []


def test_an_alert_that_does_not_fire_is_seen() -> None:
    rules = [rule | {"expr": rule["expr"].replace("> 0", "> 1000000000")} for rule in alerts().values()]
    test = next(one for one in ALERT_TESTS["tests"] if one["name"] == "everything at once")
    assert any("FleetBatchDied: []" in line for line in differences(rules, test))


@needs("promtool")
def test_promtool_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump(named(CLOUD, "PrometheusRule", "caption-fleet")["spec"])
    )
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(ALERT_TESTS))
    answer = subprocess.run(
        [str(require("promtool")), "test", "rules", str(tmp_path / "test.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_labels_that_are_asked_for_exist(known: set[str]) -> None:
    """A misspelt label selects nothing, and sums to one group without a name."""
    for text in expressions():
        for node in _nodes(ast.parse(re.sub(r"\$__\w+", "5m", text))):
            if isinstance(node, ast.AggregateExpr) and node.modifier:
                assert set(node.modifier.labels) <= LABELS.keys() | ADDED, text
            if isinstance(node, ast.VectorSelector):
                assert {one.name for one in node.matchers.matchers} <= LABELS.keys() | ADDED, text


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        if hasattr(node, name):
            yield from _nodes(getattr(node, name))
    for argument in getattr(node, "args", ()):
        yield from _nodes(argument)


def test_the_example_secret_has_the_keys_that_are_asked_for() -> None:
    asked = {
        variable["valueFrom"]["secretKeyRef"]["key"]
        for _, template in pods(CLOUD)
        for variable in template["spec"]["containers"][0].get("env", [])
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    fleet, _ = yaml.safe_load_all((ROOT / "secret.example.yaml").read_text())
    assert asked == fleet["stringData"].keys()
