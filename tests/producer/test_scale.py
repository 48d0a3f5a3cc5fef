"""Looks at a large run cost what changed, not what is there; and what is counted never contradicts itself."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from common.errors import FleetError
from common.queue.attempts import AttemptBook, Attempts
from common.queue.live import LiveRun
from common.queue.marks import Marks
from common.queue.message import QUEUE
from common.queue.queued_batches import QueuedBatches
from common.queue.waiting import waiting_batches
from common.run.bundle import BUNDLES, LOOSE, write_bundle
from common.run.failure_record import Failure, Reason, write_failure
from common.run.layout import PARTS, part_key
from common.run.manifest import read_parts, read_run, stream_parts
from common.run.numbering import Numbering, numbers
from common.run.planned_part import Part
from common.settings import S3Settings, Settings
from common.store import Entry, Store, open_store
from common.store.base import RECORD_BYTES
from producer import lock
from producer.cli import main
from producer.lock import producer_lock
from producer.part_groups import GROUP, group_parts
from producer.run import write_parts
from producer.shard_watch import PAGES, FailureWatch, ShardWatch
from producer.status import StatusReader
from tests.processes import run_here
from tests.producer.world import World
from tests.samples import write_part
from tests.servers.small_s3 import Refusal, SmallS3, small_s3
from tests.servers.valkey import Valkey


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallS3]:
    with small_s3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def parts(count: int, rows: int = 100) -> list[Part]:
    names = (f"part-{number:05}-{number * 7919 % 100_000:05}" for number in range(count))
    return [Part(id=name, address=f"/in/{name}", rows=rows, size=1) for name in names]


def test_groups_hold_every_part_once_whatever_their_names() -> None:
    names = ["a", "ab", "a-b", "abc", "b", "a_", *(f"part-{number:04}" for number in range(3000))]
    planned = [Part(id=name, address=f"/{name}", rows=100, size=1) for name in names]
    numbering = Numbering(planned, 10)
    groups = list(group_parts(numbering).leaves)
    union = 0
    for group in groups:
        assert not union & group.bits
        union |= group.bits
        assert group.batches == group.bits.bit_count() <= GROUP
        inside = {numbering.batch(number).part for number in numbers(group.bits)}
        assert inside == {name for name in names if f"{name}/".startswith(group.name)}
    assert union == numbering.all


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_every_look_says_what_is_there(place: str, remote: SmallS3, tmp_path: Path) -> None:
    uri = str(tmp_path / "run") if place == "folder" else "s3://bucket/run"
    store = open_store(uri, remote.settings)
    numbering = Numbering(parts(3, 30), 10)
    watch = ShardWatch(store, numbering, group_parts(numbering))
    assert watch.look() == 0
    for number in (0, 4, 8):
        store.create(numbering.batch(number).shard_key, b"")
        store.create(f"shards/stranger-{number}/000000000000.parquet", b"")
    assert list(numbers(watch.look())) == [0, 4, 8]
    store.delete(numbering.batch(4).shard_key)
    assert list(numbers(watch.look())) == [0, 8]


def test_a_later_look_lists_what_changed_and_a_bounded_rest(remote: SmallS3) -> None:
    numbering = Numbering(parts(12_000, 100), 10)  # 120,000 batches
    watch = ShardWatch(open_store("s3://bucket/run", remote.settings), numbering, group_parts(numbering))
    watch.look()
    first = len(remote.requests)
    groups = list(group_parts(numbering).leaves)
    assert first == len(groups) > 2 * PAGES
    remote.requests.clear()
    last = numbering.total - 1
    remote.put(f"run/{numbering.batch(last).shard_key}")
    assert watch.look(1 << last) == 1 << last
    assert len(remote.requests) <= PAGES + 1
    remote.put(f"run/{numbering.batch(0).shard_key}")
    for _ in range(2 * sum(group.pages for group in groups) // PAGES):  # in its turn everything is looked at
        watch.look()
    assert watch.done == 1 << last | 1


def test_a_first_look_at_failures_costs_what_failed(remote: SmallS3) -> None:
    numbering = Numbering(parts(6000, 100), 10)  # 60,000 batches
    groups = group_parts(numbering)
    few = [numbering.total // 2, numbering.total - 1]
    for number in few:
        remote.put(f"run/failed/{numbering.id(number)}.json")
    watch = FailureWatch(open_store("s3://bucket/run", remote.settings), numbering, groups)
    assert list(numbers(watch.look())) == few
    assert len(remote.requests) == 1 < len(list(groups.leaves))
    many = range(10_000, 12_500)  # two thousand of one group, whose listing has three pages
    for number in many:
        remote.put(f"run/failed/{numbering.id(number)}.json")
    watch.regroup(groups)
    remote.requests.clear()
    assert list(numbers(watch.look())) == [*many, *few]
    assert len(remote.requests) <= 1 + len(groups.inner) + 10 * 2


def test_a_later_look_does_not_list_all_the_dead_again(
    world: World, remote: SmallS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50,000 failure records are 50 pages, one after the other."""
    store = open_store("s3://bucket/many", remote.settings)
    run = read_run(world.store)
    assert run is not None
    planned = parts(100, 3000)
    store.create("run.json", run.to_json())
    records = {part_key(part.id): part.to_json() for part in planned}
    for key, body in records.items():
        remote.put(f"many/{key}", body)
    write_bundle(store, records)
    numbering = Numbering(planned, run.batch_rows)
    for number in range(0, 30_000, 2):
        remote.put(f"many/failed/{numbering.id(number)}.json")
    reader = StatusReader(store, Settings(models="fake", broker_url=world.broker.url))
    monkeypatch.setattr("producer.shard_watch.PAGES", 4)
    assert reader.read().batches.dead == 15_000
    remote.requests.clear()
    assert reader.read().batches.dead == 15_000
    failed = [request for request in remote.requests if "many/failed" in request]
    assert len(failed) <= 4
    revived = numbering.id(0)
    QueuedBatches(world.broker.client(), store.uri).drop(revived)
    store.delete(f"failed/{revived}.json")
    assert reader.read().batches.dead == 14_999


def test_the_manifest_is_read_from_its_bundle(remote: SmallS3) -> None:
    store = open_store("s3://bucket/run", remote.settings)
    planned = parts(30)
    write_parts(store, planned)
    remote.requests.clear()
    assert read_parts(store) == planned
    assert [request.split()[0] for request in remote.requests] == ["GET"] * 3  # parts, bundles, bundle
    write_parts(store, [Part(id="new", address="/new", rows=1, size=1)])
    assert [part.id for part in read_parts(store, [part.id for part in planned])] == ["new"]


def test_bundles_are_read_while_parts_are_listed(tmp_path: Path) -> None:
    store = open_store(str(tmp_path), S3Settings())
    planned = parts(3)
    write_parts(store, planned)
    is_read, list_objects, read = threading.Event(), store.list, store.read

    def list_slowly(prefix: str, name: str = "") -> Iterator[Entry]:
        assert prefix != PARTS or is_read.wait(60)
        yield from list_objects(prefix, name)

    def read_and_say(key: str, most: int = RECORD_BYTES) -> bytes | None:
        if key.startswith(BUNDLES):
            is_read.set()
        return read(key, most)

    with mock.patch.multiple(store, list=list_slowly, read=read_and_say):
        assert read_parts(store) == planned


def test_bundles_beyond_those_that_are_read_ahead_count_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.run.bundle.AHEAD", 2)
    store = open_store(str(tmp_path), S3Settings())
    planned = parts(10)
    for start in range(0, 10, 2):
        write_parts(store, planned[start : start + 2])
    with mock.patch.object(store, "read", wraps=store.read) as read:
        assert read_parts(store) == planned
    assert read.call_count == len(list((tmp_path / BUNDLES).iterdir())) == 5


def test_parts_that_no_bundle_holds_are_bundled_for_the_next_reader(remote: SmallS3) -> None:
    """As version 0.1 wrote them, or a producer that added one after the other."""
    store = open_store("s3://bucket/run", remote.settings)
    planned = parts(LOOSE)
    for part in planned:
        remote.put(f"run/{part_key(part.id)}", part.to_json())
    assert len(list(stream_parts(store, bundle_loose=True))) == LOOSE
    assert len(remote.requests) > LOOSE
    remote.requests.clear()
    assert read_parts(store) == planned
    assert len(remote.requests) == 3  # parts, bundles, bundle
    remote.rule = lambda request: Refusal("AccessDenied") if request.method == "PUT" else None
    for name in [name for name in remote.names if "/bundles/" in name]:
        remote.put(name, b"")
    assert len(list(stream_parts(store, bundle_loose=True))) == LOOSE, "whoever may only read reads"


def test_a_bundle_stands_in_for_nothing_that_is_not_so(tmp_path: Path) -> None:
    store = open_store(str(tmp_path), S3Settings())
    planned = parts(3)
    write_parts(store, planned)
    (bundle,) = (tmp_path / BUNDLES).iterdir()
    lines = bundle.read_text().splitlines()
    forged = lines[0].replace("/in/part", "/elsewhere/part")
    bundle.write_text("\n".join([forged, "{", "[1]", '{"key": 1, "body": null}', "[" * 100_000, lines[1]]))
    assert read_parts(store) == planned
    (tmp_path / "parts" / f"{planned[0].id}.json").unlink()
    assert read_parts(store) == planned[1:]
    bundle.write_bytes(b"\xff")
    assert read_parts(store) == planned[1:]


def test_marks_of_a_look_are_those_of_waiting_batches(world: World) -> None:
    client = world.broker.client()
    numbering = Numbering(read_parts(world.store), 10)
    live, queued = LiveRun(client, world.store.uri), QueuedBatches(client, world.store.uri)
    marks = Marks(client, world.store.uri, numbering)

    def agree() -> None:
        marks.refresh()
        assert marks.read_waiting() == numbering.bits(waiting_batches(client, world.store.uri))

    agree()
    raw = client.rpop(QUEUE)
    agree()
    client.hset("unacked", "tag", json.dumps([json.loads(str(raw)), "", QUEUE]))
    agree()
    live.record_commit(world.batches[0].id, {"ok": 10})
    client.delete("unacked")
    assert marks.refresh() == numbering.bits([world.batches[0].id])
    agree()
    queued.mark([world.batches[0].id, "stranger/000000000000"])
    agree()
    assert marks.strangers == 1
    queued.forget()
    agree()
    client.flushall()
    agree()


def test_marks_carry_the_clock_of_redis(world: World) -> None:
    """A producer half an hour ahead would make everybody's older messages look lost."""
    queued = QueuedBatches(world.broker.client(), world.store.uri)
    for ahead in (1800.0, -1800.0):
        world.broker.client().flushall()
        with mock.patch("time.time", return_value=time.time() + ahead):
            assert world.command("requeue", "--missing")[0] == 0
        queued.mark([world.batches[2].id])  # a worker of another clock returned it to the end
        assert world.command("requeue", "--missing")[0] == 0
        assert world.waiting() == 3


def test_nothing_is_ever_missing_less_than_nothing(world: World, outside: Path) -> None:
    """Messages of batches that the manifest does not hold, as of another --limit-rows."""
    queued = QueuedBatches(world.broker.client(), world.store.uri)
    queued.mark(f"{world.batches[0].part}/{row:012}" for row in range(30, 110, 10))
    _, out, _ = world.command("status", "--json")
    assert json.loads(out)["batches"] == {
        "total": 3, "done": 0, "queued": 3, "running": 0, "dead": 0, "missing": 0,
    }  # fmt: skip


def test_two_producers_with_different_limits_of_rows(world: World) -> None:
    """Both planned before either wrote: the second is told, and queues nothing."""
    (part,) = read_parts(world.store)
    with pytest.raises(FleetError, match="this run has 30 rows of it, not 20; give the same --limit-rows"):
        write_parts(world.store, [part.model_copy(update={"rows": 20})])
    with pytest.raises(FleetError, match="changed since"):
        write_parts(world.store, [part.model_copy(update={"size": 20})])


def test_parts_that_are_added_count_from_the_next_look(world: World, outside: Path) -> None:
    settings = Settings(models="fake", broker_url=world.broker.url)
    reader = StatusReader(world.store, settings)
    for batch in world.batches:
        world.finish(batch)
    assert reader.read().is_finished
    write_part(outside / "more.parquet", 25)
    assert world.command("enqueue", "more.parquet")[0] == 0
    state = reader.read()
    assert not state.is_finished, "it would end early"
    assert (state.batches.total, state.batches.done, state.batches.queued, state.batches.missing) == (
        6,
        3,
        3,
        0,
    )
    assert state.rows.total == 55


def test_a_producer_waits_for_another_and_says_so(
    broker: Valkey, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    entered, order = threading.Event(), []

    def first() -> None:
        with producer_lock(broker.client(), "/run"):
            entered.set()
            order.append("first")
            time.sleep(1)
            order.append("first ends")

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait(10)
    with producer_lock(broker.client(), "/run"):
        order.append("second")
    thread.join()
    assert order == ["first", "first ends", "second"]
    assert "waiting for it" in caplog.text + capfd.readouterr().err


def test_the_lock_is_kept_for_as_long_as_a_listing_takes(
    broker: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "LOCK_SECONDS", 1.0)
    with producer_lock(broker.client(), "/run") as require_lock:
        time.sleep(2.5)
        require_lock()
        assert not broker.client().lock("x").locked()
        (key,) = broker.client().keys("*:producer")
        assert broker.client().exists(key)


def test_a_lock_that_was_lost_is_one_line(broker: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "LOCK_SECONDS", 1.0)
    with producer_lock(broker.client(), "/run") as require_lock:
        broker.client().flushall()
        deadline = time.monotonic() + 10
        with pytest.raises(FleetError, match="lock of this run was lost"):  # noqa: PT012 - soon
            while time.monotonic() < deadline:
                require_lock()
                time.sleep(0.05)


def test_the_dead_are_raised_many_at_a_time(world: World, remote: SmallS3) -> None:
    store = world.store
    for batch in world.batches:
        write_failure(store, Failure(batch=batch.id, reason=Reason.ERROR, error="x", worker="w"))
    world.broker.client().flushall()
    store.create("failed/stranger/000000000000.json", b"{}")
    (Path(store.uri) / "failed" / f"{world.batches[0].id}.json").write_text("damaged")
    assert world.command("requeue", "--dead", "--reason", "error")[0] == 0
    assert world.waiting() == 2
    assert world.command("requeue", "--dead")[0] == 0
    assert world.waiting() == 3


def test_a_thousand_dead_are_forgotten_by_one_request(
    broker: Valkey, remote: SmallS3, monkeypatch: pytest.MonkeyPatch, outside: Path
) -> None:
    write_part(outside / "in.parquet", 1100)
    environment = {"FLEET_MODELS": "fake", "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "s3://bucket/run"}
    assert (
        run_here(main, "enqueue", "in.parquet", "--batch-rows", "1", environment=environment).returncode == 0
    )
    store = open_store("s3://bucket/run", remote.settings)
    batches = [batch.id for part in read_parts(store) for batch in part.batches(1)]
    failure = Failure(batch="", reason=Reason.ERROR, error="x", worker="w")
    for batch in batches:
        remote.put(
            f"run/failed/{batch}.json", failure.model_copy(update={"batch": batch}).model_dump_json().encode()
        )
    client = broker.client()
    client.flushall()
    book = AttemptBook(client, store.uri)
    for batch in batches[:3]:
        book.begin(batch, "w")
        book.fail(batch, "w", "x")
    remote.requests.clear()
    assert run_here(main, "requeue", "--dead", environment=environment).returncode == 0
    assert client.llen(QUEUE) == 1100
    assert book.read(batches[0]) == Attempts(0, 0)
    assert not [name for name in remote.names if name.startswith("run/failed/")]
    deleting = [request for request in remote.requests if request.split()[0] in {"POST", "DELETE"}]
    assert len(deleting) == 2


def test_retry_reads_the_status_column_alone_of_what_has_nothing(world: World, remote: SmallS3) -> None:
    run = read_run(world.store)
    assert run is not None
    away = open_store("s3://bucket/run", remote.settings)
    copy(world.store, away)
    big = world.shard(world.batches[0])
    for batch in world.batches:
        away.create(batch.shard_key, big + b"")
    remote.requests.clear()
    code, _, errors = world.command(
        "retry", "--run", "s3://bucket/run", "--output", "again", "--status", "timeout"
    )
    assert (code, "no row has the status timeout" in errors) == (2, True), errors
    reads = [request for request in remote.requests if "/shards/" in request]
    assert {request.split()[0] for request in reads} == {"HEAD", "GET"}


def copy(source: Store, target: Store) -> None:
    for entry in source.list(""):
        if not entry.key.startswith("proof"):
            target.create(entry.key, source.read(entry.key) or b"")
