"""The IAM policies that can be pasted: a run on a store that grants exactly these rights, and no more."""

import json
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aiohttp import web

from producer.cli import main as producer
from tests.fleet.conftest import worker
from tests.k8s.render import ROOT
from tests.processes import run_here
from tests.servers.small_s3 import Refusal, SmallS3, access_key, small_s3
from tests.servers.valkey import Valkey

ROLES = ("worker", "producer")
PLACES = {
    "PARTS_BUCKET": "bucket",
    "RUNS_BUCKET": "bucket",
    "PARTS_PREFIX": "parts",
    "RUNS_PREFIX": "runs",
}
RUN = "s3://bucket/runs/first"


def allows(role: str, action: str, resource: str) -> bool:
    """What IAM says of an action on `bucket/key`, by the role's policy with our places filled in."""
    text = (ROOT / "iam" / f"{role}.json").read_text()
    for name, value in PLACES.items():
        text = text.replace(name, value)
    return any(
        statement["Effect"] == "Allow"
        and action in statement["Action"]
        and fnmatchcase(f"arn:aws:s3:::{resource}", arn)
        for statement in json.loads(text)["Statement"]
        for arn in statement["Resource"]
    )


def action(request: web.Request) -> str:
    """The right that a request needs."""
    if request.method == "DELETE":
        return "s3:AbortMultipartUpload" if "uploadId" in request.query else "s3:DeleteObject"
    if request.method in ("GET", "HEAD"):
        return "s3:ListBucket" if "list-type" in request.query else "s3:GetObject"
    return "s3:PutObject"


def rights(request: web.Request) -> Refusal | None:
    """The store's rule; the access key is the name of the role."""
    bucket, _, key = request.path.strip("/").partition("/")
    resource = f"{bucket}/{key}" if key else bucket
    if allows(access_key(request), action(request), resource):
        return None
    return Refusal("AccessDenied", f"{access_key(request)}: {action(request)} on {resource}")


@pytest.fixture
def store() -> Iterator[SmallS3]:
    with small_s3() as server:
        server.rule = rights
        body = BytesIO()
        pq.write_table(pa.table({"URL": ["no address"] * 4}), body)
        server.put("parts/a.parquet", body.getvalue())
        yield server


def environment(role: str, store: SmallS3, broker: Valkey) -> dict[str, str]:
    own = {"AWS_ACCESS_KEY_ID": role, "FLEET_BROKER_URL": broker.url, "FLEET_MODELS": "fake"}
    return {**store.environment, **own}


def test_a_run_needs_no_more_than_these_rights(store: SmallS3, broker: Valkey, tmp_path: Path) -> None:
    of_producer = {**environment("producer", store, broker), "FLEET_OUTPUT": RUN}
    answer = run_here(producer, "enqueue", "s3://bucket/parts/*.parquet", environment=of_producer)
    assert answer.returncode == 0, answer.stderr
    of_worker = {**environment("worker", store, broker), "FLEET_OUTPUT": "s3://bucket/runs"}
    with worker(of_worker, tmp_path / "log"):
        _wait_for_a_shard(store, tmp_path / "log")
    for command in ("status", "verify", "requeue"):
        answer = run_here(producer, command, environment=of_producer)
        assert answer.returncode == 0, answer.stderr


def _wait_for_a_shard(store: SmallS3, log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not any("/shards/" in name for name in store.names):
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_may_touch_a_shard_or_a_part(role: str) -> None:
    assert not allows(role, "s3:DeleteObject", "bucket/runs/first/shards/a/000000000000.parquet")
    for right in ("s3:PutObject", "s3:DeleteObject"):
        assert not allows(role, right, "bucket/parts/a.parquet")
    assert not allows(role, "s3:GetObject", "bucket/elsewhere")


def test_only_the_producer_forgets_failures() -> None:
    record = "bucket/runs/first/failed/a/000000000000.json"
    assert allows("producer", "s3:DeleteObject", record)
    assert not allows("worker", "s3:DeleteObject", record)
