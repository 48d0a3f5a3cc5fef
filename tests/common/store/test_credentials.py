"""Keys that rotate: the client is built anew from the provider chain, and the request made once more."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from aiohttp import web

from common.errors import RefusedError
from common.run.part import open_part
from common.store import Store, connection, open_store
from common.store.proof import prove
from producer.addresses import expand
from tests.servers.small_s3 import Refusal, SmallS3, access_key, small_s3

KIN = ["ExpiredToken", "AccessDenied"]


@dataclass
class Rotation:
    """A store, and the file of keys that something renews."""

    server: SmallS3
    file: Path

    def write(self, name: str) -> None:
        keys = f"aws_access_key_id={name}\naws_secret_access_key=x\naws_session_token=t\n"
        self.file.write_text(f"[default]\n{keys}")

    def rotate(self, code: str = "ExpiredToken") -> None:
        """The key of now is refused from now on; another lies in the file."""
        self.write("new")
        self.server.rule = lambda request: Refusal(code) if access_key(request) == "old" else None

    def store(self) -> Store:
        return open_store("s3://bucket/run", self.server.settings)


@pytest.fixture
def rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rotation]:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with small_s3() as server:
        rotation = Rotation(server, tmp_path / "credentials")
        rotation.write("old")
        rotation.store().create("old", b"body")
        yield rotation


REQUESTS: list[tuple[str, Callable[[Store], object], object]] = [
    ("create", lambda store: store.create("new", b"x" * 100_000), True),
    ("read", lambda store: store.read("old"), b"body"),
    ("open", lambda store: (store.open("old") or io.BytesIO()).read(), b"body"),
    ("ranges", lambda store: (store.open_ranges("old") or io.BytesIO()).read(), b"body"),
    ("exists", lambda store: store.exists("old"), True),
    ("list", lambda store: [entry.key for entry in store.list("")], ["old"]),
    ("delete", lambda store: store.delete("old"), None),
    ("check", lambda store: store.check_writable(), None),
    ("prove", prove, None),
]


@pytest.mark.parametrize("code", KIN)
@pytest.mark.parametrize(
    ("request_", "answer"), [case[1:] for case in REQUESTS], ids=[c[0] for c in REQUESTS]
)
def test_every_request_is_made_once_more(
    rotation: Rotation, request_: Callable[[Store], object], answer: object, code: str
) -> None:
    store = rotation.store()
    rotation.rotate(code)
    assert request_(store) == answer


def test_parts_and_globs_too(rotation: Rotation) -> None:
    rotation.server.put("in/a.parquet", b"PAR1")
    with open_part("s3://bucket/in/a.parquet", rotation.server.settings) as (file, _):
        rotation.rotate()
        assert file.read() == b"PAR1"
    rotation.write("newer")
    rotation.server.rule = lambda request: Refusal("ExpiredToken") if access_key(request) != "newer" else None
    assert expand(["s3://bucket/in/*"], rotation.server.settings) == ["s3://bucket/in/a.parquet"]


def test_in_the_middle_of_a_listing(rotation: Rotation) -> None:
    for number in range(1500):
        rotation.server.put(f"run/many/{number:04}")
    listing = rotation.store().list("many")
    assert next(listing).key == "many/0000"
    rotation.rotate()
    assert len(list(listing)) == 1499


def test_a_body_that_was_half_sent_is_sent_from_its_start(rotation: Rotation, tmp_path: Path) -> None:
    store = rotation.store()
    file = tmp_path / "finished"
    file.write_bytes(bytes(range(256)) * 4000)
    rotation.rotate()
    assert store.create_file("file", file)
    assert rotation.server.objects["run/file"] == file.read_bytes()


def test_of_many_threads_one_builds_the_client(rotation: Rotation, monkeypatch: pytest.MonkeyPatch) -> None:
    store = rotation.store()
    build = mock.Mock(side_effect=connection._build)
    monkeypatch.setattr(connection, "_build", build)
    rotation.rotate()
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda _: store.exists("old"), range(64)))
    assert build.call_count == 1


def test_the_same_keys_are_tried_once_more_and_no_oftener(rotation: Rotation) -> None:
    store = rotation.store()
    rotation.server.requests.clear()
    rotation.server.rule = lambda _: Refusal("ExpiredToken")
    with pytest.raises(
        RefusedError, match=r"s3://bucket/run: .*shared-credentials-file \(ExpiredToken\).*s3:GetObject"
    ):
        store.read("old")
    assert len(rotation.server.requests) == 2


def test_one_connection_serves_all_stores_of_a_process(rotation: Rotation) -> None:
    first, second = (connection.connect_s3(rotation.server.settings) for _ in range(2))
    assert first is second


def test_threads_that_begin_at_once_share_it_too(rotation: Rotation, monkeypatch: pytest.MonkeyPatch) -> None:
    build = mock.Mock(side_effect=connection._build)
    monkeypatch.setattr(connection, "_build", build)
    monkeypatch.setenv("AWS_PROFILE", "default")  # an environment that nobody has connected from
    with ThreadPoolExecutor(16) as pool:
        every = set(pool.map(lambda _: connection.connect_s3(rotation.server.settings), range(16)))
    assert (len(every), build.call_count) == (1, 1)


def test_another_environment_is_another_connection(
    rotation: Rotation, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def note(request: web.Request) -> None:
        seen.append(access_key(request))

    rotation.server.rule = note
    rotation.store().exists("old")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    rotation.store().exists("old")
    assert seen == ["old", "other"]
