"""Both stores keep the one promise that everything rests on: exactly one create wins."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiohttp import web

from common.errors import FleetError, StoreError
from common.settings import S3Settings
from common.store import Store, absolute_uri, is_under, open_store
from tests.servers.seaweed import Seaweed
from tests.servers.small_s3 import UPLOAD, Refusal, SmallS3, small_s3


@pytest.fixture(scope="module")
def bucket(s3: Seaweed) -> str:
    return s3.bucket("stores")


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return open_store(str(tmp_path / "out"), S3Settings())
    server: Seaweed = request.getfixturevalue("s3_environment")
    place = f"s3://{request.getfixturevalue('bucket')}/some/{uuid.uuid4().hex[:12]}"
    return open_store(place, S3Settings(endpoint_url=server.endpoint_url))


def test_second_create_is_refused_and_changes_nothing(store: Store) -> None:
    assert store.create("shards/a/0.parquet", b"first")
    assert not store.create("shards/a/0.parquet", b"second")
    assert store.read("shards/a/0.parquet") == b"first"


def test_a_finished_file_is_created_as_bytes_are(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "finished"
    file.write_bytes(b"first")
    second = tmp_path / "second"
    second.write_bytes(b"second")
    assert store.create_file("data/0.parquet", file)
    assert not store.create_file("data/0.parquet", second)
    file.unlink()
    assert store.read("data/0.parquet") == b"first"


def test_an_object_opens_for_random_access(store: Store) -> None:
    store.create("shards/a/0.parquet", b"0123456789")
    file = store.open("shards/a/0.parquet")
    assert file is not None
    with file:
        assert file.seek(-3, 2) == 7
        assert file.read() == b"789"
    assert store.open("shards/a/1.parquet") is None


def test_of_many_racing_creates_one_wins(store: Store) -> None:
    bodies = [str(writer).encode() for writer in range(16)]
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda body: store.create("run.json", body), bodies))
    assert won.count(True) == 1
    assert store.read("run.json") == bodies[won.index(True)]


def test_a_listing_shows_the_folder_and_nothing_unfinished(store: Store) -> None:
    store.create("shards/a/0.parquet", b"12345")
    store.create("shards/b/0.parquet", b"1")
    store.create("shards-of-another/0.parquet", b"")
    assert {(entry.key, entry.size) for entry in store.list("shards")} == {
        ("shards/a/0.parquet", 5),
        ("shards/b/0.parquet", 1),
    }


def test_what_is_not_there(store: Store) -> None:
    assert store.read("run.json") is None
    assert not store.exists("run.json")
    assert list(store.list("shards")) == []


def test_checking_writability_leaves_nothing(store: Store, tmp_path: Path) -> None:
    store.check_writable()
    assert not store.exists("run.json")
    assert list(store.list("")) == []
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file/out: "):
        open_store(str(tmp_path / "file" / "out"), S3Settings()).check_writable()


def test_wrong_keys_are_one_line(s3_environment: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreError, match="refused the credentials"):
        open_store("s3://bucket/run", S3Settings(endpoint_url=s3_environment.endpoint_url)).check_writable()


def test_no_keys_at_all_are_one_line(s3: Seaweed) -> None:
    with pytest.raises(StoreError, match="credentials"):
        open_store("s3://bucket/run", S3Settings(endpoint_url=s3.endpoint_url)).check_writable()


def test_one_spelling_for_one_place(outside: Path) -> None:
    assert absolute_uri("out/") == absolute_uri(str(outside / "out")) == absolute_uri(f"file://{outside}/out")
    assert absolute_uri("s3://bucket/run/") == "s3://bucket/run"
    for wrong in ("", "s3://", "ftp://host/x", "gs://bucket/x"):
        with pytest.raises(FleetError):
            absolute_uri(wrong)


def test_under_is_a_matter_of_folders_not_of_letters() -> None:
    assert is_under("/a/b", "/a/b")
    assert is_under("/a/b/c", "/a/b")
    assert not is_under("/a/bc", "/a/b")
    assert not is_under("/a", "/a/b")
    assert is_under("/a", "/")


def test_many_are_deleted_and_no_others(store: Store) -> None:
    keys = [f"failed/a&b <{number}>.json" for number in range(5)]
    for key in [*keys, "failed/stays.json"]:
        store.create(key, b"")
    store.delete_all([*keys, "failed/never-was.json"])
    store.delete_all([])
    assert [entry.key for entry in store.list("failed")] == ["failed/stays.json"]


@pytest.mark.parametrize("answer", ["NotImplemented", "an upload that nobody asked for"])
def test_a_store_without_such_a_request_deletes_one_by_one(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_s3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        if answer == "NotImplemented":
            server.rule = lambda request: Refusal(answer) if request.method == "POST" else None
        else:
            monkeypatch.setattr(SmallS3, "_delete_many", lambda *_: web.Response(text=UPLOAD))
        remote = open_store("s3://bucket/run", server.settings)
        remote.create("failed/a.json", b"")
        remote.delete_all(["failed/a.json"])
        assert server.objects == {}
