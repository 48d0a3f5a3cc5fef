"""A short form of the adversary's soak: seconds of everything hostile beside two batches of healthy rows."""

from pathlib import Path

import pytest

from tests.faults.adversary.round import ENVIRONMENT, Mix, play
from tests.faults.adversary.site import hostile_servers
from tests.faults.broker import broker
from tests.faults.canary import canary
from tests.faults.fleet import fleet
from tests.faults.site import serve

pytestmark = pytest.mark.slow
SHORT = Mix(rows=120, batches=3, urls=30, messages=25, runs=5, laborious=False)


def test_healthy_rows_end_as_they_would_alone(tmp_path: Path) -> None:
    with (
        broker(tmp_path / "broker") as redis,
        serve() as site,
        canary() as bird,
        hostile_servers() as ports,
        fleet(tmp_path / "fleet", redis, site, bird.url, **ENVIRONMENT) as crew,
    ):
        crew.start()
        outcome = play(crew, ports, SHORT, seed=1)
        assert outcome.is_sound, outcome
        assert outcome.set_aside > 0
        assert outcome.hostile.total() == SHORT.urls
        assert bird.hits == 0
