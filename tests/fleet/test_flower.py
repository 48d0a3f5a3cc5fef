"""Flower in a real browser: who is online, what becomes of a batch, and what stays hidden."""

import os
from collections.abc import Iterator

import pytest
import redis

from common.queue.broker import connect
from common.queue.exporter import QueueMetrics
from common.queue.host_metrics import HostMetrics
from producer.cli import main as producer
from tests.dataset.browser import needs_chromium
from tests.demo.site import DrawnImage, Site
from tests.fleet.flower import USER, Watched, page_of, shows, until, watched
from tests.processes import run_here
from tests.servers.acl import denials
from tests.servers.valkey import Valkey
from workers.process.flower_defaults import DEFAULTS, set_flower_defaults

pytestmark = [pytest.mark.slow, pytest.mark.models]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, _broker: Valkey, site: Site) -> Iterator[Watched]:
    _broker.client().flushall()
    with watched(tmp_path_factory.mktemp("flower"), _broker, site) as running:
        yield running


@needs_chromium
def test_workers_and_what_becomes_of_their_batches(fleet: Watched, drawn: list[DrawnImage]) -> None:
    with page_of(fleet) as page:
        shows(page, f"{fleet.url}/workers", "celery@", "Online")
        slow = fleet.enqueue("slow", [f"{fleet.site.silent_url}/{number}" for number in range(4)])
        dead = fleet.enqueue("dead", ["http://192.0.2.1/"])
        fleet.spoil("dead")
        good = fleet.enqueue("good", [fleet.site.url + image.path for image in drawn[:8]])
        shows(page, f"{fleet.url}/tasks", slow, "STARTED")
        shows(page, f"{fleet.url}/tasks", slow, "SUCCESS")
        shows(page, f"{fleet.url}/tasks", dead, "FAILURE")
        shows(page, f"{fleet.url}/tasks", good, "SUCCESS")
        page.goto(f"{fleet.url}/task/{dead}")
        text = page.inner_text("body")
        assert "given up (part)" in text
        assert dead in text
        for secret in (str(fleet.folder), "parquet", "http://192", "first_row"):
            assert secret not in page.content().replace(dead, ""), secret
    assert len(list((fleet.folder / "out" / "shards").rglob("*.parquet"))) == 2


@pytest.mark.parametrize("user", [None, "operator:wrong", ":"])
@pytest.mark.parametrize("path", ["/workers", "/tasks", "/broker", "/api/workers", "/api/tasks"])
def test_without_the_password_nothing_is_shown(fleet: Watched, path: str, user: str | None) -> None:
    assert fleet.status(path, user) == 401


def test_the_password_is_not_in_the_log(fleet: Watched) -> None:
    assert fleet.status("/workers", USER) == 200
    assert USER.split(":")[1] not in (fleet.folder / "flower.log").read_text()


def test_the_documented_rights_suffice_and_reach_no_further(fleet: Watched) -> None:
    fleet.enqueue("rights", ["no address"])
    for command in (["status"], ["requeue", "--missing"], ["requeue", "--dead"]):
        assert run_here(producer, *command, environment=fleet.environment).returncode != 2
    until(lambda: any((fleet.folder / "out" / "shards").glob("rights-*/*.parquet")))
    metrics = {metric.name: metric for metric in QueueMetrics(connect(fleet.users["metrics"])).collect()}
    assert metrics["fleet_broker_up"].samples[0].value == 1
    assert [metric.name for metric in HostMetrics(connect(fleet.users["metrics"])).collect()]
    assert fleet.status("/broker", USER) == 200
    assert denials(fleet.broker) == []
    for user in fleet.users.values():
        with pytest.raises(redis.exceptions.NoPermissionError):
            connect(user).set("another:application", "x")
        with pytest.raises(redis.exceptions.NoPermissionError):
            connect(user).flushall()


def test_without_a_password_it_listens_on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*DEFAULTS, "FLOWER_ADDRESS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    set_flower_defaults()
    assert os.environ["FLOWER_ADDRESS"] == "127.0.0.1"
    monkeypatch.delenv("FLOWER_ADDRESS")
    monkeypatch.setenv("FLOWER_BASIC_AUTH", USER)
    set_flower_defaults()
    assert "FLOWER_ADDRESS" not in os.environ
