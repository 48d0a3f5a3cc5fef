"""One site and one canary for all; a broker and a fleet for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.broker import Broker, broker
from tests.faults.canary import Canary, canary
from tests.faults.fleet import Fleet, fleet
from tests.faults.site import Site, serve


@pytest.fixture(scope="session")
def _site() -> Iterator[Site]:
    with serve() as running:
        yield running


@pytest.fixture
def site(_site: Site) -> Iterator[Site]:
    """The web, with nothing held and nothing seen yet."""
    _site.attempts.clear()
    yield _site
    _site.release()


@pytest.fixture(scope="session")
def _canary() -> Iterator[Canary]:
    with canary() as bird:
        yield bird


@pytest.fixture
def server() -> str:
    return "valkey"


@pytest.fixture
def redis_server(tmp_path: Path, server: str) -> Iterator[Broker]:
    """A broker that may be killed."""
    with broker(tmp_path / "broker", server=server) as running:
        yield running


@pytest.fixture
def crew(tmp_path: Path, redis_server: Broker, site: Site, _canary: Canary) -> Iterator[Fleet]:
    """A fleet without workers; at the end nobody reached the canary."""
    with fleet(tmp_path, redis_server, site, _canary.url) as made:
        yield made
    assert _canary.hits == 0
