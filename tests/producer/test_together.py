"""Producers at work at the same time: they agree on each part, and the status adds up at every moment."""

import json
from pathlib import Path

import pytest

from common.errors import FleetError
from common.run.manifest import read_parts
from common.settings import Settings
from common.store import open_store
from producer.enqueue import enqueue, plan_run, queue_plan
from producer.options import EnqueueOptions
from producer.status import StatusReader
from tests.samples import write_part
from tests.servers.valkey import Valkey


@pytest.fixture
def settings(broker: Valkey) -> Settings:
    return Settings(broker_url=broker.url, models="toy")


def test_of_two_limits_the_first_counts(settings: Settings, outside: Path) -> None:
    part, output = write_part(outside / "a.parquet", 18), str(outside / "out")
    few, all_rows = (
        plan_run([str(part)], output, settings, EnqueueOptions(batch_rows=1, limit_rows=limit))
        for limit in (10, None)
    )
    assert queue_plan(few, settings).sent == 10
    with pytest.raises(FleetError, match="this run has 10 rows of it, not 18; give the same --limit-rows"):
        queue_plan(all_rows, settings)
    counts = StatusReader(open_store(output, settings.s3), settings).read().batches
    assert (counts.total, counts.queued, counts.missing) == (10, 10, 0)


def test_two_producers_of_one_plan_agree(settings: Settings, outside: Path) -> None:
    part, output = write_part(outside / "a.parquet", 18), str(outside / "out")
    plans = [plan_run([str(part)], output, settings, EnqueueOptions(batch_rows=1)) for _ in range(2)]
    assert [queue_plan(plan, settings).sent for plan in plans] == [18, 0]


def test_the_status_follows_parts_that_are_added(settings: Settings, outside: Path) -> None:
    output, options = str(outside / "out"), EnqueueOptions(batch_rows=1)
    enqueue([str(write_part(outside / "a.parquet", 2))], output, settings, options)
    reader = StatusReader(open_store(output, settings.s3), settings)
    assert reader.read().batches.total == 2
    enqueue([str(write_part(outside / "b.parquet", 3))], output, settings, options)
    state = reader.read()
    assert (state.batches.total, state.batches.queued, state.batches.missing) == (5, 5, 0)
    assert state.rows.total == 5


def test_batches_of_no_part_do_not_count(settings: Settings, outside: Path) -> None:
    output, options = str(outside / "out"), EnqueueOptions(batch_rows=1)
    enqueue([str(write_part(outside / "a.parquet", 4))], output, settings, options)
    (manifest,) = (outside / "out" / "parts").iterdir()
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "rows": 2}))
    store = open_store(output, settings.s3)
    assert [part.rows for part in read_parts(store)] == [2]
    counts = StatusReader(store, settings).read().batches
    assert (counts.total, counts.queued, counts.missing) == (2, 2, 0)
