"""A real worker's metrics and health files: they agree with the shards, and outlive what is killed."""

import json
import os
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prometheus_client.parser import text_string_to_metric_families

from common.queue.exporter import QueueMetrics
from common.queue.kombu_queue import queue_length
from producer.cli import main
from tests.demo.parts import links, write_parts
from tests.demo.site import DrawnImage, Site, draw_images, serve
from tests.fleet.conftest import worker
from tests.processes import run_here
from tests.servers.ports import free_ports
from tests.servers.valkey import Valkey, valkey

pytestmark = pytest.mark.slow
PATIENCE = 300
PARENT_LIMIT = 200_000_000


@pytest.fixture(scope="module")
def drawn() -> list[DrawnImage]:
    return draw_images(48)


@pytest.fixture(scope="module")
def site(drawn: list[DrawnImage]) -> Iterator[Site]:
    with serve(drawn) as running:
        yield running


@dataclass(frozen=True)
class Fleet:
    """One worker of made-up captions, and all that watches it."""

    broker: Valkey
    folder: Path
    environment: dict[str, str]
    port: int
    parent: psutil.Process

    def scrape(self) -> dict[tuple[str, str], float]:
        """Values by name and the values of the labels."""
        return scrape(self.port)

    def running(self) -> float:
        """Batches in hand; without any child there is no such gauge."""
        return self.scrape().get(("fleet_running_batches", ""), 0)

    def enqueue(self, *parts: Path) -> None:
        answer = run_here(main, "enqueue", *parts, "--batch-rows", "16", environment=self.environment)
        assert answer.returncode == 0, answer.stderr

    def shards(self) -> pa.Table:
        tables = [pq.read_table(path) for path in (self.folder / "out/shards").rglob("*.parquet")]
        return pa.concat_tables([table.replace_schema_metadata() for table in tables])

    def sign(self, name: str) -> Path:
        return self.folder / "health" / name

    def child(self) -> psutil.Process:
        """The pool's process, once it is ready."""
        until(lambda: bool(self._ready()))
        return self._ready()[0]

    def _ready(self) -> list[psutil.Process]:
        return [child for child in self.parent.children() if self.sign(f"ready-{child.pid}").exists()]


def scrape(port: int) -> dict[tuple[str, str], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        (sample.name, "/".join(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, site: Site, drawn: list[DrawnImage]) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("metrics")
    port = free_ports(1)[0]
    with valkey(folder / "broker") as broker:
        environment = {
            "FLEET_MODELS": "fake",
            "FLEET_BROKER_URL": broker.url,
            "FLEET_OUTPUT": str(folder / "out"),
            "FLEET_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
            "FLEET_FETCH_TIMEOUT": "4",
            "FLEET_METRICS_PORT": str(port),
            "FLEET_HEALTH_FOLDER": str(folder / "health"),
            "FLEET_HEALTH_BEAT": "0.5",
            "FLEET_LEASE_GRACE": "1",
            "FLEET_HEALTH_PATIENCE": "3",
            "TMPDIR": str(folder),
        }
        with worker(environment, folder / "log", "--logfile", str(folder / "%n.log")) as process:
            fleet = Fleet(broker, folder, environment, port, psutil.Process(process.pid))
            until((folder / "health" / "ready").exists)
            fleet.enqueue(*write_parts(folder / "in", links(site, drawn)))
            until(lambda: len(list((folder / "out/shards").rglob("*.parquet"))) == 6)
            until(lambda: queue_length(broker.client()).total == 0)  # acknowledged, so counted
            yield fleet
    assert not list(folder.glob("fleet-metrics-*"))


@pytest.fixture
def slow(fleet: Fleet, site: Site) -> Iterator[None]:
    """A batch that takes as long as its four silent URLs, one after the other."""
    part = fleet.folder / "in" / f"slow-{time.monotonic_ns()}.parquet"
    pq.write_table(pa.table({"URL": [f"{site.silent_url}/{number}" for number in range(8)]}), part)
    fleet.enqueue(part)
    until(lambda: fleet.running() == 1)
    yield
    until(lambda: fleet.running() == 0)


def test_rows_agree_with_the_shards(fleet: Fleet) -> None:
    seen, rows = fleet.scrape(), Counter(fleet.shards()["status"].to_pylist())
    counted = {labels: value for (name, labels), value in seen.items() if name == "fleet_rows_total"}
    assert Counter(counted) == rows
    assert seen["fleet_batches_dead_total", "part"] == 0, "not born as 1"
    assert seen["fleet_images_total", ""] == rows["ok"] > 0
    assert seen["fleet_attempts_total", "committed"] == 6


def test_parent_and_child_write_to_the_log_file(fleet: Fleet) -> None:
    (file,) = fleet.folder.glob("*.log")
    text = file.read_text()
    assert {"shard written", "batch received"} <= {json.loads(line)["event"] for line in text.splitlines()}
    assert " ready." in text


def test_captions_agree_with_the_shards(fleet: Fleet) -> None:
    seen, shards = fleet.scrape(), fleet.shards().to_pylist()
    good = [row for row in shards if row["status"] == "ok"]
    assert seen["fleet_distinct_candidates_count", ""] == len(good)
    assert seen["fleet_distinct_candidates_sum", ""] == sum(len(row["all_captions"]) for row in good)
    for model in ("ranker", "selector"):
        assert seen["fleet_similarity_count", model] == len(good)
    assert seen["fleet_similarity_sum", "selector"] == pytest.approx(
        sum(row["shortlist_similarities"][0] for row in good)
    )


def test_every_stage_is_measured(fleet: Fleet) -> None:
    seen, shards = fleet.scrape(), fleet.shards().to_pylist()
    counts = {labels: value for (name, labels), value in seen.items() if name == "fleet_stage_seconds_count"}
    assert counts["read"] == counts["write"] == 6
    assert counts["fetch"] == len(shards)
    assert counts["decode"] == sum(row["sha256"] is not None for row in shards)
    assert counts["caption"] == seen["fleet_batch_fill_ratio_count", ""]


def test_the_parent_stays_small(fleet: Fleet) -> None:
    assert fleet.parent.memory_info().rss < PARENT_LIMIT


@pytest.mark.usefixtures("slow")
def test_a_killed_child_leaves_no_stale_gauge_and_no_lost_count(fleet: Fleet) -> None:
    before = fleet.scrape()
    killed = fleet.child()
    killed.kill()
    until(lambda: not psutil.pid_exists(killed.pid))
    assert fleet.running() == 0  # the next child is not that far
    until(lambda: fleet.running() == 1)
    for name in ("fleet_images_total", "fleet_distinct_candidates_sum"):
        assert fleet.scrape()[name, ""] == before[name, ""]
    until(
        lambda: (
            fleet.scrape()["fleet_attempts_total", "committed"] > before["fleet_attempts_total", "committed"]
        )
    )


@pytest.mark.usefixtures("slow")
def test_a_batch_that_stands_still_is_not_alive(fleet: Fleet) -> None:
    child = fleet.child()
    child.suspend()
    try:
        until(lambda: time.time() - fleet.sign("alive").stat().st_mtime > 5)
        until(lambda: os.getpgid(child.pid) > 0)
    finally:
        child.resume()
    until(lambda: time.time() - fleet.sign("alive").stat().st_mtime < 1)


def test_a_broker_outage_leaves_the_worker_alive_and_unready(fleet: Fleet) -> None:
    pid = fleet.child().pid
    time.sleep(1.2)  # the append-only file is synced every second
    fleet.broker.kill()
    for _ in range(12):
        time.sleep(0.5)
        assert time.time() - fleet.sign("alive").stat().st_mtime < 3
    assert not fleet.sign("ready").exists()
    assert fleet.scrape()["fleet_worker_ready", ""] == 0
    assert [metric.samples[0].value for metric in QueueMetrics(fleet.broker.client()).collect()] == [0]
    fleet.broker.start()
    until(fleet.sign("ready").exists)
    assert fleet.scrape()["fleet_worker_ready", ""] == 1
    assert fleet.child().pid == pid
    gauges = {
        metric.name: metric.samples[0].value for metric in QueueMetrics(fleet.broker.client()).collect()
    }
    assert gauges["fleet_broker_up"] == 1
    assert gauges["fleet_queue_waiting"] == gauges["fleet_queue_held"] == 0
    assert gauges["fleet_broker_memory_bytes"] > 0


def test_what_cannot_be_done_now_turns_the_worker_unready(fleet: Fleet) -> None:
    assert fleet.sign("ready").exists()
    part = fleet.folder / "in" / "other.parquet"
    pq.write_table(pa.table({"URL": ["http://192.0.2.1/"]}), part)
    other = {**fleet.environment, "FLEET_OUTPUT": f"{fleet.folder}/out/other", "FLEET_SAMPLING_LANES": "7"}
    assert run_here(main, "enqueue", part, environment=other).returncode == 0
    until(lambda: not fleet.sign("ready").exists())
    assert fleet.scrape()["fleet_batches_put_back_total", "WrongSettingsError"] >= 1
    with suppress(ProcessLookupError):
        os.kill(fleet.parent.pid, signal.SIGTERM)
    fleet.parent.wait(30)
