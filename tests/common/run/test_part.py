"""What is wrong with a part is told apart from what keeps this machine from reading it."""

import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from aiohttp import web
from huggingface_hub import HfFileSystem, constants

from common.errors import RefusedError, StoreError
from common.run.batch import Batch
from common.run.part import AbsentPartError, ChangedPartError, PartError, open_part
from common.run.planned_part import Part
from common.settings import S3Settings
from producer.plan import plan_part
from tests.samples import write_part
from tests.servers.background import background, serving
from tests.servers.hub import _application
from tests.servers.ports import free_ports
from tests.servers.small_s3 import Refusal, SmallS3, small_s3
from workers.batch.rows import read_rows

NO_S3 = S3Settings()
ADDRESS = "s3://bucket/in/a.parquet"
ON_HUB = "hf://datasets/lab/links/a.parquet"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallS3]:
    with small_s3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def body(tmp_path: Path) -> bytes:
    return write_part(tmp_path / "in.parquet", 12).read_bytes()


def read(address: str, s3: S3Settings = NO_S3, before: Callable[[], None] = lambda: None) -> bytes:
    with open_part(address, s3) as (file, _):
        before()
        return file.read()


def test_an_object_that_is_gone_from_beside_others_is_absent(store: SmallS3) -> None:
    store.put("in/b.parquet", b"")
    with pytest.raises(AbsentPartError, match="no such object"):
        read(ADDRESS, store.settings)


def test_the_whole_of_an_object_is_one_request(store: SmallS3) -> None:
    store.put("in/a.parquet", bytes(500_000))
    assert read(ADDRESS, store.settings) == bytes(500_000)
    assert store.requests == ["HEAD in/a.parquet", "GET in/a.parquet"]
    body = random.Random(0).randbytes(9 << 20)
    store.put("in/a.parquet", body)
    store.requests.clear()
    with open_part(ADDRESS, store.settings) as (file, _):
        assert file.read(len(body) - 1) == body[:-1]
        file.seek(0)
        assert file.read() == body
    assert store.requests.count("GET in/a.parquet") <= 5


@pytest.mark.parametrize("neighbours", [[], ["out/run.json"], ["in-other/a.parquet"]])
def test_without_a_neighbour_absence_is_not_proven(store: SmallS3, neighbours: list[str]) -> None:
    for name in neighbours:
        store.put(name)
    with pytest.raises(RefusedError, match=r"in/a\.parquet: .*s3:GetObject and s3:ListBucket"):
        read(ADDRESS, store.settings)


def test_hidden_from_head_but_listed_is_refused(store: SmallS3) -> None:
    store.put("in/a.parquet", b"x")
    store.put("in/b.parquet", b"x")
    store.rule = lambda request: Refusal("NoSuchKey") if request.path.endswith("a.parquet") else None
    with pytest.raises(RefusedError, match="no such object, but shows none beside it"):
        read(ADDRESS, store.settings)


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken"])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_refusal_is_the_worker_s(store: SmallS3, code: str, method: str) -> None:
    store.put("in/a.parquet", b"x")
    store.rule = lambda request: Refusal(code) if request.method == method else None
    with pytest.raises(RefusedError, match=r"in/a\.parquet: .*credentials from env .*s3:GetObject"):
        read(ADDRESS, store.settings)


def test_without_the_right_to_list_nothing_is_absent(store: SmallS3) -> None:
    store.put("in/b.parquet", b"x")
    store.rule = lambda request: Refusal("AccessDenied") if "prefix" in request.query else None
    with pytest.raises(RefusedError, match="s3:ListBucket"):
        read(ADDRESS, store.settings)


def test_another_version_is_the_part_s(store: SmallS3, body: bytes) -> None:
    store.put("in/a.parquet", body)
    part = plan_part(ADDRESS, store.settings)
    store.put("in/a.parquet", body[::-1])
    with pytest.raises(ChangedPartError, match="changed"):
        _read_all(part, store.settings)


def test_another_version_while_it_is_read_is_the_part_s(store: SmallS3, body: bytes) -> None:
    store.put("in/a.parquet", body)
    with pytest.raises(ChangedPartError, match="changed while it was read"):
        read(ADDRESS, store.settings, before=lambda: store.put("in/a.parquet", body[::-1]))


def _missing(path: Path) -> None:
    path.unlink()


def _no_file(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


@pytest.mark.parametrize("damage", [_missing, _no_file, _loop])
def test_a_path_that_cannot_be_read_is_the_machine_s(
    tmp_path: Path, body: bytes, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / "in.parquet"
    damage(path)
    with pytest.raises(StoreError, match=r"in\.parquet: "):
        read(str(path))


class Hub:
    """A hub whose door may be shut."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.status: int | None = None
        self.address = ""
        self.files = files

    def application(self) -> web.Application:
        app = _application(self.files)

        @web.middleware
        async def door(request: web.Request, handler: Callable[[web.Request], object]) -> web.StreamResponse:
            if self.status is None:
                answer = await handler(request)  # type: ignore[misc]
                assert isinstance(answer, web.StreamResponse)
                return answer
            code = "GatedRepo" if self.status == 403 else "RepoNotFound"
            return web.Response(status=self.status, headers={"X-Error-Code": code})

        app.middlewares.append(door)
        return app


@pytest.fixture
def hub(body: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    (port,) = free_ports(1)
    hub = Hub({"a.parquet": body, "b.parquet": body})
    HfFileSystem.clear_instance_cache()
    with background(lambda: serving(hub.application(), port)) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield hub
    HfFileSystem.clear_instance_cache()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_the_hub_answers_is_a_refusal_and_heals(hub: Hub, status: int) -> None:
    hub.status = status
    with pytest.raises(RefusedError, match=r"a\.parquet: the Hub refuses .*HF_TOKEN, its right to read"):
        read(ON_HUB)
    hub.status = None
    assert read(ON_HUB)[:4] == b"PAR1"


def test_a_file_that_is_gone_from_beside_others_is_absent_on_the_hub(hub: Hub) -> None:
    with pytest.raises(AbsentPartError, match=r"gone\.parquet: the Hub has no such file"):
        read("hf://datasets/lab/links/gone.parquet")


def test_a_damaged_page_on_the_hub_is_the_part_s(hub: Hub, body: bytes) -> None:
    part = plan_part(ON_HUB, NO_S3)
    column = pq.read_metadata(io.BytesIO(body)).row_group(0).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    end = start + column.total_compressed_size
    hub.files["a.parquet"] = body[:start] + bytes(end - start) + body[end:]
    with pytest.raises(PartError, match=r"a\.parquet: damaged"):
        _read_all(part)


def _read_all(part: Part, s3: S3Settings = NO_S3) -> None:
    read_rows(part, Batch(part.id, 0, part.rows), s3)


def test_a_hub_that_fails_while_it_is_read_is_not_the_part_s(hub: Hub) -> None:
    with pytest.raises(RefusedError, match="HF_TOKEN"):
        read(ON_HUB, before=lambda: setattr(hub, "status", 403))
