"""S3 answers badly, late or not at all: one object, never a part of one, and no batch pays for it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.faults.broker import Broker
from tests.faults.canary import canary
from tests.faults.checks import SLACK, counts, long
from tests.faults.fleet import LOST_AFTER, Fleet, Run, fleet
from tests.faults.invariants import examine, remains
from tests.faults.s3_proxy import Fault, Rule, S3Proxy, s3_proxy
from tests.faults.site import Site
from tests.faults.waiting import until
from tests.servers.seaweed import Seaweed

pytestmark = pytest.mark.slow
BUCKETS = count()


@dataclass
class Remote:
    """A fleet whose runs are on S3, behind the proxy."""

    crew: Fleet
    proxy: S3Proxy
    s3: Seaweed
    bucket: str

    def enqueue(self, name: str, batches: int) -> Run:
        return self.crew.enqueue(name, batches, output=f"s3://{self.bucket}/{name}")

    def keys(self, run: Run) -> list[str]:
        prefix = run.output.removeprefix(f"s3://{self.bucket}/")
        listed = self.s3.client().list_objects_v2(Bucket=self.bucket, Prefix=prefix + "/").get("Contents", [])
        return [item["Key"] for item in listed]

    def done(self, run: Run) -> int:
        return sum("/shards/" in key for key in self.keys(run))

    def finish(self, run: Run, folder: Path, seconds: float = 45) -> None:
        """Wait for every shard, bring the run here, and look at all of it."""
        until(lambda: self.done(run) == len(run.batches), seconds, "every shard", pause=0.2)
        until(lambda: not remains(self.crew.broker.client()), LOST_AFTER + SLACK, "an empty broker")
        client, name = self.s3.client(), run.output.rsplit("/", 1)[1]
        for key in self.keys(run):
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        findings = examine(folder / name)
        assert findings.sound, findings
        assert not findings.dead
        assert counts(self.crew, "crashed") == {}
        created = [call.path for call, status in self.proxy.passed if call.writes_shard and status == 200]
        assert len(created) == len(set(created)), "an object was written twice"


@pytest.fixture
def remote(tmp_path: Path, redis_server: Broker, site: Site, s3: Seaweed) -> Iterator[Remote]:
    bucket = s3.bucket(f"faults-{next(BUCKETS)}")
    with s3_proxy(s3.endpoint_url) as proxy, canary() as bird:
        environment = {**s3.environment, "FLEET_S3_ENDPOINT_URL": proxy.url, "FLEET_OUTPUT": f"s3://{bucket}"}
        with fleet(tmp_path, redis_server, site, bird.url, **environment) as crew:
            yield Remote(crew, proxy, s3, bucket)


def first(times: int, fault: Fault) -> Rule:
    """The fault befalls the first writes of shards."""
    left = count(times, -1)
    return lambda call: fault if call.writes_shard and next(left) > 0 else None


def test_every_bad_answer_ends_in_one_object(remote: Remote, tmp_path: Path) -> None:
    """503s, a failure after the commit, an answer that never comes, a body cut, a conflict, a slow road."""
    faults = iter(
        [
            *[Fault(503, "SlowDown")] * 6,
            Fault(500, commits=True),
            Fault(cut=True),
            Fault(cut=True, commits=True),
            Fault(409, "ConditionalRequestConflict"),
            Fault(seconds=2),
            Fault(late=2),
        ]
    )
    run = remote.enqueue("answers", 8)
    remote.proxy.rule = lambda call: next(faults, None) if call.writes_shard else None
    remote.crew.start()
    remote.finish(run, tmp_path / "copy")


@pytest.mark.parametrize(
    "point",
    [pytest.param(Fault(seconds=600), marks=long), Fault(late=600)],
    ids=["before-commit", "after-commit"],
)
def test_killed_while_the_shard_is_written(remote: Remote, tmp_path: Path, point: Fault) -> None:
    run = remote.enqueue("put", 1)
    remote.proxy.rule = first(1, point)
    victim = remote.crew.start()
    until(lambda: any(call.writes_shard for call in remote.proxy.calls), 30, "the write")
    time.sleep(0.3)
    assert remote.done(run) == bool(point.late)
    victim.kill()
    remote.crew.start()
    remote.finish(run, tmp_path / "copy", LOST_AFTER + 5 + SLACK)
    assert len(remote.crew.site.attempts) == (1 if point.late else 2)


@pytest.mark.parametrize(
    ("code", "put_backs"),
    [
        ("ExpiredToken", 1),
        pytest.param("NoSuchBucket", 1, marks=long),
        pytest.param("InternalError", 13, marks=[long, pytest.mark.timeout(600)]),
    ],
)
def test_an_outage_puts_batches_back_and_kills_none(
    remote: Remote, tmp_path: Path, code: str, put_backs: int
) -> None:
    """Longer than a client's own retries, at last more often than any limit of attempts allows."""
    status = {"ExpiredToken": 403, "NoSuchBucket": 404, "InternalError": 500}[code]
    run = remote.enqueue("outage", 2)
    worker = remote.crew.start()
    remote.proxy.rule = lambda _: Fault(status, code)
    until(lambda: len(worker.events("batch put back")) >= put_backs, 40 * put_backs, "batches put back")
    assert remote.done(run) == 0
    remote.proxy.rule = lambda _: None
    remote.finish(run, tmp_path / "copy")


@long
def test_wrong_keys_touch_no_batch(remote: Remote, tmp_path: Path) -> None:
    run = remote.enqueue("keys", 1)
    worker = remote.crew.start(wait=False, AWS_SECRET_ACCESS_KEY="wrong")
    until(lambda: not worker.alive or worker.events("batch put back"), 60, "a refusal")
    worker.end()
    assert int(remote.crew.broker.client().llen("caption.v1")) == 1
    remote.crew.start()
    remote.finish(run, tmp_path / "copy")
