"""How far a run is, for Prometheus: the state's numbers, and silence where there is none."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from common.run.gauges import RUN_GAUGES
from common.settings import Settings
from producer.exporter import RunMetrics
from tests.producer.world import World


def exported(metrics: RunMetrics) -> set[str]:
    registry = CollectorRegistry()
    registry.register(metrics)
    lines = generate_latest(registry).decode().splitlines()
    return {line for line in lines if not line.startswith("#")}


def test_the_state_of_the_run(world: World) -> None:
    world.finish(world.batches[0])
    metrics = RunMetrics(Settings(output=world.store.uri, broker_url=world.broker.url))
    assert exported(metrics) == set(), "nothing before the first look"
    metrics.look()
    assert exported(metrics) >= {
        'fleet_run_batches{state="total"} 3.0',
        'fleet_run_batches{state="done"} 1.0',
        'fleet_run_batches{state="queued"} 2.0',
        'fleet_run_batches{state="missing"} 0.0',
        'fleet_run_rows{state="total"} 30.0',
        'fleet_run_rows{state="done"} 10.0',
    }
    world.finish(world.batches[1])
    metrics.look()
    assert 'fleet_run_batches{state="done"} 2.0' in exported(metrics)
    names = {line.partition("{")[0].partition(" ")[0] for line in exported(metrics)}
    assert names <= {gauge.name for gauge in RUN_GAUGES}


def test_a_run_that_is_not_there_yet_is_waited_for(world: World, caplog: pytest.LogCaptureFixture) -> None:
    metrics = RunMetrics(Settings(output=world.store.uri + "-other", broker_url=world.broker.url))
    metrics.look()
    assert exported(metrics) == set()
    assert "there is no run here" in caplog.text
