"""`producer enqueue` from outside: on a real broker, into a folder and into S3."""

import json
from pathlib import Path

import pytest

from common.queue.app import MESSAGE_LIMIT
from common.queue.kombu_queue import queue_length
from common.queue.message import QUEUE
from producer.cli import main
from tests.processes import TOY, run_here
from tests.samples import write_part
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import Valkey


@pytest.fixture
def environment(broker: Valkey, outside: Path) -> dict[str, str]:
    return {**TOY, "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "out"}


def waiting(broker: Valkey) -> int:
    return queue_length(broker.client()).waiting


def test_one_message_a_batch_and_never_twice(
    broker: Valkey, environment: dict[str, str], outside: Path
) -> None:
    write_part(outside / "in" / "a.parquet", 25)
    first = run_here(main, "enqueue", "in/*", "--batch-rows", "10", environment=environment)
    assert (first.returncode, waiting(broker)) == (0, 3), first.stderr
    assert "3 batches queued from 1 parts" in first.stdout
    write_part(outside / "in" / "b.parquet", 5)
    again = run_here(main, "enqueue", "in/*", environment=environment)
    assert (again.returncode, waiting(broker)) == (0, 4)
    assert "1 batches queued from 2 parts (0 done, 3 queued and 0 dead before)" in again.stdout


def test_the_manifest_says_what_the_run_is(environment: dict[str, str], outside: Path) -> None:
    part = write_part(outside / "a.parquet", 25)
    run_here(main, "enqueue", part.name, "--batch-rows", "10", environment=environment)
    manifest = json.loads((outside / "out" / "run.json").read_text())
    assert manifest["batch_rows"] == 10
    assert set(manifest["models"]) == {"captioner", "ranker", "selector"}
    assert all(model["name"] and model["revision"] for model in manifest["models"].values())
    assert manifest["sampling"]["lanes"] == 40
    (plan,) = (outside / "out" / "parts").glob("*.json")
    saved = json.loads(plan.read_text())
    assert (saved["address"], saved["rows"], saved["size"]) == (str(part), 25, part.stat().st_size)


def test_messages_are_small_and_hold_no_urls(
    broker: Valkey, environment: dict[str, str], outside: Path
) -> None:
    long_run = str(outside / ("r" * (149 - len(str(outside)))))
    write_part(outside / ("long-name" * 10 + ".parquet"))
    done = run_here(main, "enqueue", outside, "--output", long_run, environment=environment)
    assert done.returncode == 0, done.stderr
    raw = broker.client().lindex(QUEUE, 0)
    assert raw is not None
    assert len(raw) <= MESSAGE_LIMIT
    assert "192.0.2.1" not in str(raw)


def test_into_s3(s3: Seaweed, broker: Valkey, environment: dict[str, str], outside: Path) -> None:
    bucket = s3.bucket("enqueue")
    write_part(outside / "a.parquet")
    arguments = ("enqueue", "a.parquet", "--output", f"s3://{bucket}/runs/one")
    assert run_here(main, *arguments, environment=environment | s3.environment).returncode == 0
    assert run_here(main, *arguments, environment=environment | s3.environment).returncode == 0
    assert waiting(broker) == 1


def test_a_wiped_broker_is_filled_again(broker: Valkey, environment: dict[str, str], outside: Path) -> None:
    write_part(outside / "a.parquet")
    run_here(main, "enqueue", "a.parquet", environment=environment)
    broker.client().flushall()
    run_here(main, "enqueue", "a.parquet", environment=environment)
    assert waiting(broker) == 1


def test_status_of_a_fresh_run(broker: Valkey, environment: dict[str, str], outside: Path) -> None:
    write_part(outside / "a.parquet", 25)
    run_here(main, "enqueue", "a.parquet", "--batch-rows", "10", environment=environment)
    status = run_here(main, "status", "--json", environment=environment)
    assert status.returncode == 0, status.stderr
    assert json.loads(status.stdout) == {
        "batches": {"total": 3, "done": 0, "queued": 3, "running": 0, "dead": 0, "missing": 0},
        "rows": {"total": 25, "done": 0, "by_status": {}},
        "rows_per_second": 0.0,
        "eta_seconds": None,
    }
    broker.client().flushall()
    assert run_here(main, "status", environment=environment).returncode == 1


def test_status_without_a_broker_says_what_it_can(environment: dict[str, str], outside: Path) -> None:
    write_part(outside / "a.parquet")
    run_here(main, "enqueue", "a.parquet", environment=environment)
    dark = run_here(
        main,
        "status",
        "--json",
        environment=environment | {"FLEET_BROKER_URL": "redis://127.0.0.1:1/0"},
    )
    state = json.loads(dark.stdout)
    assert dark.returncode == 0
    assert state["batches"] == {
        "total": 1,
        "done": 0,
        "queued": None,
        "running": None,
        "dead": 0,
        "missing": None,
    }
    assert (state["rows"]["by_status"], state["rows_per_second"], state["eta_seconds"]) == (None, None, None)


def test_again_over_a_tree_that_holds_the_output(
    broker: Valkey, environment: dict[str, str], outside: Path
) -> None:
    write_part(outside / "data" / "x" / "one.parquet", 1000)
    arguments = ("enqueue", "data/**/*.parquet", "--output", "data/out", "--batch-rows", "7", "--stage")
    assert run_here(main, *arguments, environment=environment).returncode == 0
    write_part(outside / "data" / "out" / "shards" / "a" / "0.parquet")
    write_part(outside / "data" / "out" / "input" / "b.parquet")
    again = run_here(main, *arguments, environment=environment)
    assert "0 batches queued from 1 parts" in again.stdout, again.stderr
    assert "in_output" in again.stderr
    assert (
        len(list((outside / "data/out/staged").iterdir()))
        == len(list((outside / "data/out/parts").iterdir()))
        == 1
    )
