"""Synthetic runs on disk and on S3."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from common.settings import S3Settings
from common.store import Store, open_store
from tests.servers.seaweed import Seaweed

NewStore = Callable[[str], Store]


@pytest.fixture(scope="session")
def bucket(s3: Seaweed) -> str:
    """One for all: the first object of each costs a quarter of a second."""
    return s3.bucket("dataset")


@pytest.fixture(params=["folder", "s3"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> NewStore:
    """Makes stores by name: in a folder, then all again on S3."""
    if request.param == "folder":
        return lambda name: open_store(str(tmp_path / name), S3Settings())
    server: Seaweed = request.getfixturevalue("s3_environment")
    place = f"s3://{request.getfixturevalue('bucket')}/{uuid.uuid4().hex[:12]}"
    return lambda name: open_store(f"{place}/{name}", S3Settings(endpoint_url=server.endpoint_url))


@pytest.fixture
def folder_store(tmp_path: Path) -> NewStore:
    return lambda name: open_store(str(tmp_path / name), S3Settings())
