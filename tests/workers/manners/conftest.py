"""The Redis that workers share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.servers.valkey import Valkey, valkey
from tests.workers.manners.counting import LEASE
from workers.manners.redis_shared import RedisShared


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
async def shared(server: Valkey) -> AsyncIterator[RedisShared]:
    server.client().flushall()
    one = RedisShared(server.url, LEASE)
    yield one
    await one.close()
