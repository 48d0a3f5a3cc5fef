"""Two workers, one serving a folder and one an S3 bucket: the same parts give the same rows."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.queue.app import make_app, send
from common.queue.message import Message
from common.queue.set_aside import SET_ASIDE
from common.run.schema import SHARD
from common.settings import Settings
from producer.cli import main
from tests.demo.parts import links, write_parts
from tests.demo.site import DrawnImage, Site
from tests.fleet.conftest import worker
from tests.processes import TOY, run_here
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import Valkey

pytestmark = [pytest.mark.slow, pytest.mark.models]
PATIENCE = 300


@dataclass(frozen=True)
class Finished:
    """Both runs, done."""

    folder: Path
    table: pa.Table
    s3_table: pa.Table
    expected: list[str]
    log: str
    parent_maps: str
    set_aside: int
    environment: dict[str, str]


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory,
    _broker: Valkey,
    s3: Seaweed,
    site: Site,
    drawn: list[DrawnImage],
) -> Finished:
    folder = tmp_path_factory.mktemp("fleet")
    rows = links(site, drawn)
    parts = write_parts(folder / "in", rows)
    out, remote = folder / "out", f"s3://{s3.bucket('fleet')}/runs/one"
    client = _broker.client()
    client.flushall()
    _send_messages_of_no_batch(_broker.url, out)
    environment = {**TOY, "FLEET_BROKER_URL": _broker.url, "FLEET_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
                   "FLEET_FETCH_TIMEOUT": "3", **s3.environment, "FLEET_OUTPUT": str(out)}  # fmt: skip
    with ExitStack() as stack:
        for output in (str(out), remote):
            enqueued = run_here(main, "enqueue", *parts, "--output", output, "--batch-rows", "25",
                                environment=environment)  # fmt: skip
            assert enqueued.returncode == 0, enqueued.stderr
            process = stack.enter_context(
                worker({**environment, "FLEET_OUTPUT": output}, folder / f"{Path(output).name}.log")
            )
            _wait_until_done(output, environment)
            maps = Path(f"/proc/{process.pid}/maps").read_text()
            process.terminate()
            process.wait(30)
    for key, body in _objects(s3, "runs/one/shards/"):
        path = folder / "remote" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return Finished(
        out, _table(out / "shards"), _table(folder / "remote"), [row.url for row in rows],
        (folder / "out.log").read_text(), maps, int(client.llen(SET_ASIDE)), environment,
    )  # fmt: skip


def _send_messages_of_no_batch(broker: str, output: Path) -> None:
    """First in the queue."""
    app = make_app(Settings(broker_url=broker))
    strange = Message(run="/etc", part="part", first_row=0)
    send(app, [strange, Message(run=str(output), part="absent", first_row=0)])
    app.send_task("caption.batch.v1", kwargs={"version": 7, "url": "http://192.0.2.1/"}, task_id="odd")


def _objects(s3: Seaweed, prefix: str) -> Iterator[tuple[str, bytes]]:
    client = s3.client()
    for item in client.list_objects_v2(Bucket="fleet", Prefix=prefix)["Contents"]:
        key = item["Key"]
        yield key, client.get_object(Bucket="fleet", Key=key)["Body"].read()


def _table(folder: Path) -> pa.Table:
    tables = [pq.read_table(path) for path in sorted(folder.rglob("*.parquet"))]
    return pa.concat_tables([table.replace_schema_metadata() for table in tables])


def _wait_until_done(output: str, environment: Mapping[str, str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        state = _status(output, environment)
        if state["batches"]["done"] == state["batches"]["total"]:
            return
        time.sleep(0.5)
    pytest.fail(f"not done: {state}")


def _status(output: str, environment: Mapping[str, str]) -> dict[str, Any]:
    answer = run_here(main, "status", "--json", "--output", output, environment=environment)
    state: dict[str, Any] = json.loads(answer.stdout)
    return state


def test_every_row_is_in_exactly_one_shard(finished: Finished) -> None:
    assert finished.table["URL"].to_pylist() == finished.expected
    positions = Counter(
        zip(finished.table["part"].to_pylist(), finished.table["row"].to_pylist(), strict=True)
    )
    assert set(positions.values()) == {1}


def test_columns_are_the_contracts(finished: Finished) -> None:
    for path in (finished.folder / "shards").rglob("*.parquet"):
        assert pq.read_schema(path).equals(SHARD)


def test_every_kind_of_failure_has_its_status(finished: Finished) -> None:
    by_url: dict[str, set[str]] = {}
    for row in finished.table.to_pylist():
        by_url.setdefault(row["URL"], set()).add(row["status"])
    kinds = {
        "/pictures/gone-": "http_4xx", "/truncated/": "decode_error", "/page/": "not_an_image",
        "/broken/": "http_5xx", "/no-ai/": "opt_out", "169.254": "blocked", "file:": "blocked",
        "not a link": "invalid_url", "/moved/": "ok",
    }  # fmt: skip
    for piece, status in kinds.items():
        found = [statuses for url, statuses in by_url.items() if piece in url]
        assert found, piece
        assert all(statuses == {status} for statuses in found), (piece, found)


def test_captions_are_ordered_and_consistent(finished: Finished) -> None:
    for row in finished.table.to_pylist():
        if row["status"] != "ok":
            assert row["top_caption"] is None
            continue
        assert row["all_similarities"] == sorted(row["all_similarities"], reverse=True)
        assert len(row["all_captions"]) == len(set(row["all_captions"])) == len(row["all_similarities"])
        assert row["top_caption"] == row["shortlist"][0]
        assert set(row["shortlist"]) == set(row["all_captions"][: len(row["shortlist"])])


def test_the_captions_are_mostly_true(finished: Finished, drawn: list[DrawnImage]) -> None:
    truth = {image.path: image.truth for image in drawn}
    rows = [row for row in finished.table.to_pylist() if row["status"] == "ok"]
    pairs = [
        (row["top_caption"], truth.get("/pictures" + row["URL"].rpartition("/pictures")[2])) for row in rows
    ]
    assert sum(top == true for top, true in pairs) / len(pairs) > 0.7


def test_s3_and_folder_hold_the_same_rows(finished: Finished) -> None:
    cosines = [name for name in SHARD.names if name.endswith("_similarities")]
    assert finished.s3_table.drop_columns(cosines).equals(finished.table.drop_columns(cosines))
    for name in cosines:  # float32 sums differ in their last bits with what shares a pass
        ours, theirs = (
            table[name].combine_chunks().flatten() for table in (finished.table, finished.s3_table)
        )
        assert ours.to_pylist() == pytest.approx(theirs.to_pylist(), abs=1e-5)


def test_pandas_reads_it(finished: Finished) -> None:
    frame = pd.read_parquet(finished.folder / "shards")
    assert len(frame) == len(finished.expected)
    assert list(frame.columns)[: len(SHARD.names)] == SHARD.names


def test_status_counts_what_the_shards_hold(finished: Finished) -> None:
    state = _status(str(finished.folder), finished.environment)
    assert state["rows"]["by_status"] == dict(sorted(Counter(finished.table["status"].to_pylist()).items()))
    assert state["rows"]["done"] == state["rows"]["total"] == len(finished.expected)
    assert state["eta_seconds"] == 0


def test_the_log_is_json_and_names_the_batch(finished: Finished) -> None:
    lines = [json.loads(line) for line in finished.log.splitlines() if line.startswith("{")]
    written = [line for line in lines if line["event"] == "shard written"]
    assert {line["batch"] for line in written} == {
        path.relative_to(finished.folder / "shards").as_posix().removesuffix(".parquet")
        for path in (finished.folder / "shards").rglob("*.parquet")
    }


def test_the_parent_never_loads_torch(finished: Finished) -> None:
    assert "libpython" in finished.parent_maps or "python" in finished.parent_maps
    assert "libtorch" not in finished.parent_maps


def test_messages_that_belong_to_no_batch_are_set_aside(finished: Finished) -> None:
    assert finished.set_aside == 3
