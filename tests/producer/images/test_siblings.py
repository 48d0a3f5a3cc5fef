"""The files beside a part decide which rows it has: a folder that cannot be seen is no empty one."""

import os
from pathlib import Path

import pytest

from common.errors import StoreError
from common.settings import S3Settings
from producer.images.siblings import Siblings
from tests.servers.small_s3 import Refusal, small_s3


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_a_list_is_found_beside_its_tar() -> None:
    with small_s3() as server:
        server.put("in/0.tar")
        server.put("in/0.parquet")
        assert Siblings(server.settings).has("s3://bucket/in/0.parquet")


def test_where_listing_is_forbidden_there_is_none() -> None:
    with small_s3() as server:
        server.rule = lambda _: Refusal("AccessDenied")
        assert not Siblings(server.settings).has("s3://bucket/in/0.parquet")


def test_a_store_that_cannot_be_reached_has_no_answer() -> None:
    with pytest.raises(StoreError):
        Siblings(S3Settings(endpoint_url="http://127.0.0.1:9")).has("s3://bucket/in/0.parquet")


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_what_is_no_folder_has_no_siblings(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    assert not Siblings(S3Settings()).has(os.fspath(tmp_path / folder / "0.parquet"))
