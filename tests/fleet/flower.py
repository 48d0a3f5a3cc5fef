"""Flower over a fleet of one worker; `python -m tests.fleet.flower` takes the pictures that the docs show."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import Page

from common.run.batch import batch_id
from producer.cli import main as producer
from tests.dataset.browser import browser
from tests.demo.site import Site, draw_images, serve
from tests.fleet.conftest import worker
from tests.processes import FAKE, run_here
from tests.servers.acl import documented_users
from tests.servers.ports import free_ports
from tests.servers.valkey import Valkey, valkey

USER = "operator:correct-horse"
PATIENCE = 300


@dataclass(frozen=True)
class Watched:
    """A fleet of one worker, and the Flower over it."""

    url: str
    folder: Path
    site: Site
    environment: dict[str, str]
    broker: Valkey
    users: Mapping[str, str]

    def status(self, path: str, user: str | None) -> int:
        """HTTP status of a page for somebody who gives this name and password."""
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self.url + path, headers=_headers(user)), timeout=10
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def enqueue(self, name: str, urls: list[str]) -> str:
        """Queue a part of one batch; returns the batch's id."""
        part = self.folder / f"{name}.parquet"
        pq.write_table(pa.table({"URL": urls}), part)
        answer = run_here(producer, "enqueue", part, environment=self.environment)
        assert answer.returncode == 0, answer.stderr
        (record,) = (self.folder / "out" / "parts").glob(f"{name}-*.json")
        return batch_id(record.stem, 0)

    def spoil(self, name: str) -> None:
        """Change a part that is queued: its batch can never be done."""
        pq.write_table(
            pa.table({"URL": ["http://192.0.2.1/", "http://192.0.2.2/"]}), self.folder / f"{name}.parquet"
        )


@contextmanager
def watched(folder: Path, broker: Valkey, site: Site) -> Iterator[Watched]:
    """Run Flower and a worker until the block ends, each with the rights of its documented user."""
    (port,) = free_ports(1)
    environment = {
        **FAKE,
        "FLEET_OUTPUT": str(folder / "out"),
        "FLEET_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "FLEET_FETCH_TIMEOUT": "4",
        "FLEET_LEASE_GRACE": "1",
    }
    with ExitStack() as stack:
        users = stack.enter_context(documented_users(broker))
        roles = {role: {**environment, "FLEET_BROKER_URL": url} for role, url in users.items()}
        stack.enter_context(_flower(roles["flower"], port, folder / "flower.log"))
        stack.enter_context(worker(roles["worker"], folder / "worker.log"))
        fleet = Watched(f"http://127.0.0.1:{port}", folder, site, roles["producer"], broker, users)
        until(lambda: _answers(fleet))
        yield fleet


@contextmanager
def _flower(environment: dict[str, str], port: int, log: Path) -> Iterator[None]:
    own = {"FLOWER_PORT": str(port), "FLOWER_ADDRESS": "127.0.0.1", "FLOWER_BASIC_AUTH": USER}
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "workers", "flower"],
            env={**os.environ, **environment, **own},
            stdout=sink,
            stderr=sink,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _answers(fleet: Watched) -> bool:
    try:
        return fleet.status("/healthcheck", None) == 200
    except OSError:
        return False


def _headers(user: str | None) -> dict[str, str]:
    return {} if user is None else {"Authorization": f"Basic {b64encode(user.encode()).decode()}"}


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


@contextmanager
def page_of(fleet: Watched) -> Iterator[Page]:
    """A real browser, logged in."""
    with browser(1280, 640) as context:
        context.set_extra_http_headers(_headers(USER))
        yield context.new_page()


def shows(page: Page, address: str, *words: str) -> None:
    """Load a page until a row of its table holds all the words."""

    def seen() -> bool:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        return any(all(word in row for word in words) for row in page.locator("tbody tr").all_inner_texts())

    until(seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("docs/images"))
    target = parser.parse_args().folder
    drawn = draw_images(16)
    with (
        tempfile.TemporaryDirectory() as place,
        serve(drawn) as site,
        valkey(Path(place) / "broker") as broker,
        watched(Path(place), broker, site) as fleet,
        page_of(fleet) as page,
    ):
        _take(fleet, page, [site.url + image.path for image in drawn], target)


def _take(fleet: Watched, page: Page, images: list[str], target: Path) -> None:
    done = [fleet.enqueue(f"laion5b-part-{number:05d}", images) for number in range(4)]
    shows(page, f"{fleet.url}/tasks", done[-1], "SUCCESS")
    fleet.enqueue("laion5b-part-00004", [f"{fleet.site.silent_url}/{number}" for number in range(16)])
    dead = fleet.enqueue("laion5b-part-00005", images)
    fleet.spoil("laion5b-part-00005")
    shows(page, f"{fleet.url}/tasks", dead, "FAILURE")
    fleet.enqueue("laion5b-part-00006", [f"{fleet.site.silent_url}/{number}" for number in range(99)])
    shows(page, f"{fleet.url}/tasks", "laion5b-part-00006", "STARTED")
    page.screenshot(path=target / "flower-tasks.png")
    shows(page, f"{fleet.url}/workers", "Online")
    page.screenshot(path=target / "flower-workers.png")


if __name__ == "__main__":
    main()
