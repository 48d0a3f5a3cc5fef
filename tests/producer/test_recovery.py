"""`requeue`, `verify` and `retry` over a run whose shards are made without a worker."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.queue.kombu_queue import UNACKED
from common.queue.message import QUEUE
from common.queue.queued_batches import QueuedBatches
from common.queue.waiting import waiting_batches
from common.run.failure_record import Failure, Reason, write_failure
from common.run.schema import SHARD
from common.run.status import Status
from tests.producer.world import GOOD, World
from workers.batch.outcome import Outcome


def test_nothing_is_queued_twice(world: World) -> None:
    assert world.command("requeue", "--missing")[0] == 0
    assert world.waiting() == 3


def test_a_wiped_broker_is_filled_with_what_is_missing(world: World) -> None:
    world.finish(world.batches[0])
    world.broker.client().flushall()
    code, out, _ = world.command("requeue", "--missing")
    assert (code, world.waiting()) == (0, 2)
    assert "2 batches queued" in out


def test_a_message_that_was_lost_behind_others_is_found(world: World) -> None:
    client = world.broker.client()
    client.rpop(QUEUE)  # as a worker does that is killed before it notes the message
    queued = QueuedBatches(client, world.store.uri)
    queued.mark([batch.id for batch in world.batches[1:]])
    assert waiting_batches(client, world.store.uri) == {batch.id for batch in world.batches[1:]}
    world.command("requeue")
    assert world.waiting() == 3


def test_what_a_worker_holds_is_not_queued_again(world: World) -> None:
    client = world.broker.client()
    raw = client.rpop(QUEUE)
    client.hset(UNACKED, "tag", json.dumps([json.loads(str(raw)), "", QUEUE]))
    QueuedBatches(client, world.store.uri).mark([batch.id for batch in world.batches[1:]])
    world.command("requeue")
    assert world.waiting() == 2


def test_strangers_in_the_queue_stop_nobody(world: World) -> None:
    client = world.broker.client()
    for stranger in ("", "{}", "[1]", '{"body": "!!!"}', json.dumps({"body": "bnVsbA=="})):
        client.rpush(QUEUE, stranger)
        assert world.command("requeue")[0] == 0
        assert world.command("status", "--json")[0] == 0
    assert world.waiting() == 3 + 5


def test_the_dead_wait_for_an_operator(world: World) -> None:
    dead, other = world.batches[:2]
    write_failure(world.store, Failure(batch=dead.id, reason=Reason.CRASHED, error="boom", worker="w"))
    write_failure(world.store, Failure(batch=other.id, reason=Reason.PART, error="changed", worker="w"))
    world.broker.client().flushall()
    assert world.command("requeue")[0] == 0
    assert world.waiting() == 1
    assert world.command("status")[0] == 1
    assert world.command("requeue", "--dead", "--reason", "crashed")[0] == 0
    assert world.waiting() == 2
    assert not world.store.exists(f"failed/{dead.id}.json")
    assert world.command("requeue", "--dead")[0] == 0
    assert world.waiting() == 3
    assert world.command("requeue", "--reason", "crashed")[0] == 2


def test_verify_of_a_good_run(world: World) -> None:
    for batch in world.batches:
        world.finish(batch)
    code, verdict = world.verify()
    assert (code, verdict) == (
        0,
        {
            "rows_expected": 30, "rows_found": 30, "duplicates": 0, "bad_shards": 0,
            "by_status": {"ok": 30}, "problems": [],
        },
    )  # fmt: skip


def test_verify_names_what_is_missing_and_dead(world: World) -> None:
    world.finish(world.batches[0])
    write_failure(
        world.store, Failure(batch=world.batches[1].id, reason=Reason.CRASHED, error="x\nboom", worker="w")
    )
    code, verdict = world.verify()
    assert code == 1
    assert (verdict["rows_found"], verdict["bad_shards"]) == (10, 0)
    assert verdict["problems"] == [
        f"batch {world.batches[1].id}: dead (crashed): boom",
        f"batch {world.batches[2].id}: missing",
    ]


def _cut(body: bytes, _: World) -> bytes:
    return body[:-50]


def _empty(_: bytes, __: World) -> bytes:
    return b""


def _other_batch(_: bytes, world: World) -> bytes:
    return world.shard(world.batches[1])


def _doubled_row(body: bytes, _: World) -> bytes:
    table = pq.read_table(io.BytesIO(body))
    return _parquet(table.take([0, 0, *range(2, 10)]))


def _lost_column(body: bytes, _: World) -> bytes:
    return _parquet(pq.read_table(io.BytesIO(body)).drop_columns(["sha256"]))


def _strange_metadata(body: bytes, _: World) -> bytes:
    return _parquet(pq.read_table(io.BytesIO(body)).replace_schema_metadata({"fleet": "[1]"}))


def _captionless(body: bytes, _: World) -> bytes:
    table = pq.read_table(io.BytesIO(body))
    return _parquet(table.set_column(2, "top_caption", pa.nulls(10, pa.string())))


def _damaged(column: str) -> Callable[[bytes, World], bytes]:
    def damage(body: bytes, _: World) -> bytes:
        return _with_damaged_page(body, column)

    damage.__name__ = f"damaged-{column}"
    return damage


def _damaged_without_checksums(body: bytes, world: World) -> bytes:
    """As 0.1 wrote shards."""
    return _with_damaged_page(_parquet(pq.read_table(io.BytesIO(body)), compression="zstd"), "all_captions")


def _with_damaged_page(body: bytes, column: str) -> bytes:
    group = pq.read_metadata(io.BytesIO(body)).row_group(0)
    (chunk,) = (
        group.column(index)
        for index in range(group.num_columns)
        if group.column(index).path_in_schema.split(".")[0] == column
    )
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    end = start + chunk.total_compressed_size
    return body[: end - 20] + bytes(byte ^ 0x55 for byte in body[end - 20 : end]) + body[end:]


def _not_utf8(body: bytes, _: World) -> bytes:
    table = pq.read_table(io.BytesIO(body))
    broken = pa.array([b"\xff\xfe"] * table.num_rows, pa.binary()).view(pa.string())
    return _parquet(table.set_column(1, "TEXT", broken))


def _parquet(table: pa.Table, **options: str) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("damage", "problem", "duplicates"),
    [
        (_cut, "not readable", 0),
        (_empty, "not readable", 0),
        (_other_batch, "made by another batch", 0),
        (_doubled_row, "holds other rows than 0 to 9", 1),
        (_lost_column, "other columns or types", 0),
        (_strange_metadata, "not readable", 0),
        (_captionless, "captions and statuses disagree", 0),
        *[(_damaged(name), "not readable", 0) for name in SHARD.names],
        (_damaged_without_checksums, "not readable", 0),
        (_not_utf8, "not readable", 0),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_verify_names_a_bad_shard(
    world: World, damage: Callable[[bytes, World], bytes], problem: str, duplicates: int
) -> None:
    first, *others = world.batches
    world.store.create(first.shard_key, damage(world.shard(first), world))
    for batch in others:
        world.finish(batch)
    code, verdict = world.verify()
    assert code == 1
    assert (verdict["bad_shards"], verdict["duplicates"]) == (1, duplicates)
    assert any(problem in line and first.id in line for line in verdict["problems"])  # type: ignore[attr-defined]


def test_verify_names_a_damaged_manifest_and_a_stranger_among_the_shards(world: World, outside: Path) -> None:
    for batch in world.batches:
        world.finish(batch)
    (outside / "out/shards/stranger.parquet").write_bytes(b"")
    (outside / "out/parts/odd.json").write_text("{")
    code, verdict = world.verify()
    assert (code, verdict["bad_shards"]) == (1, 1)
    text = "\n".join(verdict["problems"])  # type: ignore[arg-type]
    assert "part odd:" in text
    assert "shard stranger: belongs to no batch" in text


def test_retry_makes_a_run_of_the_failed_rows(world: World, outside: Path) -> None:
    late, gone = Outcome(Status.TIMEOUT, "10 s"), Outcome(Status.HTTP_4XX, "404")
    for batch in world.batches:
        world.finish(batch, [late, gone, *[GOOD] * 8])
    arguments = ("retry", "--run", "out", "--output", "again", "--status", "timeout,http_5xx")
    code, out, errors = world.command(*arguments)
    assert code == 0, errors
    assert "1 batches queued from 1 parts" in out
    (path,) = (outside / "again" / "input").iterdir()
    assert pq.read_table(path).select(["URL", "row"]).to_pylist() == [
        {"URL": f"http://192.0.2.1/{row}.jpg", "row": row} for row in (0, 10, 20)
    ]
    assert world.command(*arguments)[0] == 0
    assert world.waiting() == 3 + 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--run", "out", "--output", "again", "--status", "late"), "name some of ok, invalid_url"),
        (("--run", "out", "--output", "again", "--status", ""), "name some of"),
        (("--run", "out", "--output", "again", "--status", "timeout"), "no row has the status timeout"),
        (("--run", "nowhere", "--output", "again", "--status", "timeout"), "there is no run here"),
        (("--output", "out", "--status", "timeout"), "use another --output"),
    ],
)
def test_retry_of_nothing_is_one_line(
    world: World, outside: Path, arguments: tuple[str, ...], line: str
) -> None:
    code, out, errors = world.command("retry", *arguments)
    assert (code, out) == (2, "")
    assert line in errors
    assert not (outside / "again").exists()
