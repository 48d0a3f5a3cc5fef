"""Counters behind alerts exist before anything is counted."""

import pytest
from prometheus_client import REGISTRY

from common.queue.metrics_page import worker_metrics
from workers.delivery.zeroes import VALUES, show_zeroes


def test_every_labelled_counter_shows_its_zeroes() -> None:
    labelled = [metric for metric in worker_metrics() if metric._type == "counter" and metric._labelnames]
    assert set(VALUES) == set(labelled)


@pytest.mark.parametrize(
    ("name", "label", "value"),
    [
        ("fleet_batches_dead_total", "reason", "vanished"),
        ("fleet_batches_put_back_total", "error", "StoreError"),
        ("fleet_rows_total", "status", "timeout"),
        ("fleet_attempts_total", "end", "failed"),
    ],
)
def test_they_are_exported_before_they_count(name: str, label: str, value: str) -> None:
    show_zeroes()
    assert REGISTRY.get_sample_value(name, {label: value}) is not None
