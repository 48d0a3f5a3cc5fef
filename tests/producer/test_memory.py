"""Parts that the run holds are not opened again where a listing shows that they are the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from common.queue.message import QUEUE
from producer.cli import main
from tests.processes import run_here
from tests.samples import write_part
from tests.servers.small_s3 import SmallS3, small_s3
from tests.servers.valkey import Valkey

PARTS = 5


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SmallS3]:
    """A bucket with five parts of ten rows."""
    body = write_part(tmp_path / "in.parquet", 10).read_bytes()
    with small_s3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        for number in range(PARTS):
            server.put(f"in/part-{number}.parquet", body)
        yield server


def enqueue(broker: Valkey, *options: object, parts: str = "s3://bucket/in/part-*") -> tuple[int, str]:
    environment = {"FLEET_MODELS": "fake", "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "s3://bucket/run"}
    done = run_here(main, "enqueue", parts, *options, environment=environment)
    return done.returncode, done.stdout + done.stderr


def opened(remote: SmallS3) -> list[str]:
    """Requests for parts since the last question."""
    found = [request for request in remote.requests if " in/" in request and request != "GET in/"]
    remote.requests.clear()
    return found


def test_a_part_is_opened_once_and_never_again(broker: Valkey, remote: SmallS3) -> None:
    assert enqueue(broker)[0] == 0
    assert sorted(opened(remote)) == [f"GET in/part-{number}.parquet" for number in range(PARTS)]
    remote.put("in/part-new.parquet", remote.objects["in/part-0.parquet"])
    code, said = enqueue(broker)
    assert (code, "1 batches queued from 6 parts" in said) == (0, True), said
    assert opened(remote) == ["GET in/part-new.parquet"]
    assert enqueue(broker)[0] == 0
    assert opened(remote) == []
    assert enqueue(broker, parts="s3://bucket/in/part-1.parquet")[0] == 0
    assert [request for request in opened(remote) if not request.endswith("/")] == ["HEAD in/part-1.parquet"]
    assert broker.client().llen(QUEUE) == PARTS + 1


def test_a_part_that_changed_is_refused(broker: Valkey, remote: SmallS3, tmp_path: Path) -> None:
    assert enqueue(broker)[0] == 0
    remote.put("in/part-3.parquet", write_part(tmp_path / "other.parquet", 10, link="x").read_bytes())
    code, said = enqueue(broker)
    assert (code, "part-3.parquet: changed since it was enqueued" in said) == (2, True), said


def test_a_limit_of_rows_is_remembered_as_one(broker: Valkey, remote: SmallS3) -> None:
    assert enqueue(broker, "--limit-rows", 25)[0] == 0
    opened(remote)
    assert "0 batches queued from 3 parts" in enqueue(broker, "--limit-rows", 25)[1]
    assert set(opened(remote)) <= {"GET in/part-3.parquet", "GET in/part-4.parquet"}
    code, said = enqueue(broker)
    assert (code, "this run has 5 rows of it, not 10; give the same --limit-rows" in said) == (2, True), said


def test_what_version_0_1_planned_is_opened(broker: Valkey, remote: SmallS3) -> None:
    assert enqueue(broker, "--limit-rows", 50)[0] == 0
    for name in [name for name in remote.names if name.startswith(("run/parts/", "run/bundles/"))]:
        fields = json.loads(remote.objects[name]) if "/parts/" in name else {}
        fields.pop("file_rows", None)
        remote.put(name, json.dumps(fields).encode())
    opened(remote)
    assert "0 batches queued from 5 parts" in enqueue(broker)[1]
    assert len(opened(remote)) == PARTS


def test_a_part_that_changes_after_the_listing_is_planned_as_it_is_now(
    broker: Valkey, remote: SmallS3, tmp_path: Path
) -> None:
    newer = write_part(tmp_path / "newer.parquet", 7).read_bytes()

    def change(request: web.Request) -> None:
        if request.method == "GET" and request.path.endswith("part-0.parquet"):
            remote.put("in/part-0.parquet", newer)

    remote.rule = change
    assert enqueue(broker)[0] == 0
    (name,) = [name for name in remote.names if name.startswith("run/parts/part-0")]
    assert (json.loads(remote.objects[name])["rows"], json.loads(remote.objects[name])["size"]) == (
        7,
        len(newer),
    )
