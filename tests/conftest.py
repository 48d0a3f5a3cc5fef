"""Servers for every room's tests: started once, used by all."""

import atexit
import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.lean import lean_path
from tests.servers.seaweed import Seaweed, seaweed
from tests.servers.valkey import Valkey, valkey

pytest_plugins = ["tests.order", "tests.skips"]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported stays to the end: to look for garbage in it takes a process seconds, with torch."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        atexit.register(gc.unfreeze)  # some libraries report what is not freed at the very end


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> None:
    """No setting of the developer's own leaks into a test; the fleet's processes find no pandas."""
    for name in [name for name in os.environ if name.startswith(("FLEET_", "AWS_"))]:
        del os.environ[name]
    os.environ["PYTHONPATH"] = lean_path()
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture
def s3_environment(s3: Seaweed, monkeypatch: pytest.MonkeyPatch) -> Seaweed:
    """The S3 server, with its address and keys in this process's environment."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return s3


@pytest.fixture(scope="session")
def _broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def broker(_broker: Valkey) -> Valkey:
    """An empty broker."""
    _broker.client().flushall()
    return _broker


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
