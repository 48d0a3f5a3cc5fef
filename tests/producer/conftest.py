"""The run that several files of tests look at."""

from pathlib import Path

import pytest

from tests.producer.world import World, make_world
from tests.servers.valkey import Valkey


@pytest.fixture
def world(broker: Valkey, outside: Path) -> World:
    return make_world(broker, outside)
