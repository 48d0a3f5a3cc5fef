"""A store is proven before anything is written into it, and named for what it lacks, every time."""

import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from common.errors import StoreError
from common.settings import S3Settings
from common.store import Store, open_store
from common.store.proof import PROOF_KEY, is_proven, prove, remember_proof, require_proof
from producer.cli import main
from tests.processes import TOY, run_here
from tests.samples import write_part
from tests.servers.seaweed import Seaweed
from tests.servers.small_s3 import Refusal, SmallS3, small_s3
from tests.servers.valkey import Valkey


@pytest.fixture
def lesser(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallS3]:
    with small_s3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(params=["folder", "seaweed"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return open_store(str(tmp_path / "out"), S3Settings())
    server: Seaweed = request.getfixturevalue("s3_environment")
    bucket = server.bucket(f"proof-{os.urandom(6).hex()}")
    return open_store(f"s3://{bucket}/run", S3Settings(endpoint_url=server.endpoint_url))


def test_a_sound_store_passes_without_a_trace(store: Store, tmp_path: Path) -> None:
    prove(store)
    assert not is_proven(store)
    assert list(store.list("")) == []
    assert not (tmp_path / "out").exists()


def test_the_run_remembers(store: Store) -> None:
    require_proof(store)
    require_proof(store)
    assert is_proven(store)
    assert [entry.key for entry in store.list("")] == [PROOF_KEY]


def test_a_copied_run_is_proven_in_its_new_store(tmp_path: Path) -> None:
    first, second = (open_store(str(tmp_path / name), S3Settings()) for name in ("a", "b"))
    remember_proof(first)
    second.create(PROOF_KEY, first.read(PROOF_KEY) or b"")
    assert not is_proven(second)


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b"null", b'{"store": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_note_is_no_proof(tmp_path: Path, note: bytes) -> None:
    store = open_store(str(tmp_path), S3Settings())
    store.create(PROOF_KEY, note)
    assert not is_proven(store)


def has_condition(request: web.Request) -> Refusal | None:
    return Refusal("NotImplemented", "If-None-Match") if "If-None-Match" in request.headers else None


def _overwriting(server: SmallS3) -> None:
    server.overwrites = True


def _without_conditions(server: SmallS3) -> None:
    server.rule = has_condition


def _without_rights(server: SmallS3) -> None:
    server.rule = lambda request: Refusal("AccessDenied") if request.method == "PUT" else None


def _forgetful(server: SmallS3) -> None:
    """Objects come back changed."""

    def spoil(request: web.Request) -> None:
        if request.method == "GET" and "/proof/" in request.path:
            for name in server.objects:
                server.objects[name] = b"43;chunk-signature=\r\n" + server.objects[name]

    server.rule = spoil


LESSER: list[tuple[Callable[[SmallS3], None], str]] = [
    (_overwriting, r"conditional write.*overwrites"),
    (_without_conditions, r"conditional write.*NotImplemented"),
    (_without_rights, r"refused the credentials from env .*s3:PutObject"),
    (_forgetful, r"read-back.*FLEET_S3_CHECKSUM"),
]


@pytest.mark.parametrize(("manner", "line"), LESSER, ids=[manner.__name__.strip("_") for manner, _ in LESSER])
def test_a_lesser_store_is_refused_every_time_and_left_as_it_was(
    lesser: SmallS3, broker: Valkey, outside: Path, manner: Callable[[SmallS3], None], line: str
) -> None:
    manner(lesser)
    part = write_part(outside / "in.parquet")
    own = {"FLEET_MODELS": "fake", "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "s3://bucket/run"}
    for _ in range(2):
        for command in ("enqueue", "local"):
            answer = run_here(main, command, part, environment={**TOY, **own})
            errors = [found for found in answer.stderr.splitlines() if not found.startswith("{")]
            assert (answer.returncode, len(errors)) == (2, 1), answer.stderr
            assert re.search(line, errors[0])
            assert lesser.objects == {}
    assert broker.client().dbsize() == 0


def test_requeue_and_retry_prove_what_an_older_version_took(
    lesser: SmallS3, broker: Valkey, outside: Path
) -> None:
    part = write_part(outside / "in.parquet")
    own = {"FLEET_MODELS": "fake", "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "s3://bucket/run"}
    assert run_here(main, "enqueue", part, environment=own).returncode == 0
    lesser._delete(f"run/{PROOF_KEY}")
    lesser.overwrites = True
    before = dict(lesser.objects)
    for command in (
        ["enqueue", part],
        ["requeue", "--missing"],
        ["retry", "--run", "s3://bucket/run", "--output", "s3://bucket/again", "--status", "timeout"],
    ):
        answer = run_here(main, *command, environment=own)
        assert answer.returncode == 2
        assert "conditional write" in answer.stderr
    assert lesser.objects == before


@pytest.mark.parametrize(
    ("call", "number", "line"),
    [
        ("link", errno.EPERM, "no hard links"),
        ("link", errno.EOPNOTSUPP, "no hard links"),
        ("link", errno.ENOSYS, "no hard links"),
        ("link", errno.EXDEV, "no hard links"),
        ("link", errno.EACCES, "may you write to this folder"),
        ("link", errno.EROFS, "may you write to this folder"),
        ("link", errno.ENOSPC, "make room"),
        ("link", errno.EIO, "disk mounted, and sound"),
        ("fsync", errno.EINVAL, "cannot sync a folder"),
        ("fsync", errno.ENOTSUP, "cannot sync a folder"),
        ("fsync", errno.EIO, "disk mounted, and sound"),
    ],
)
def test_a_folder_names_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, line: str
) -> None:
    """Some file systems cannot be had here: the system call answers as they do."""
    real = getattr(os, call)

    def answer(*arguments: object, **options: object) -> object:
        if call == "link" or Path(f"/proc/self/fd/{arguments[0]}").is_dir():
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    monkeypatch.setattr(os, call, answer)
    with pytest.raises(StoreError, match=line) as refused:
        prove(open_store(str(tmp_path / "new" / "out"), S3Settings()))
    assert ("may you write" in str(refused.value)) == ("may you write" in line)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_in_use_keeps_what_it_holds(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "out"), S3Settings())
    store.create("shards/a/0.parquet", b"x")
    before = sorted((tmp_path / "out").rglob("*"))
    prove(store)
    assert sorted((tmp_path / "out").rglob("*")) == before
