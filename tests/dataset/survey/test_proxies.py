"""A whole survey in a browser behind real proxies with their plainest settings, those of docs/survey.md."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.dataset.survey.browsers import Browsers, enter, open_browsers
from tests.dataset.survey.server import serving
from tests.dataset.survey.surveys import codes, make_survey
from tests.programs import needs, require
from tests.servers.ports import free_ports, wait_for

SAMPLES = 2
Proxy = Callable[[Path, int], AbstractContextManager[int]]
"""Given a folder and the port of the survey, gives its own."""
DOCS = Path(__file__).parents[3] / "docs" / "survey.md"
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""
CADDY = """
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  {directive}
}}
"""


def documented(language: str) -> str:
    """The example of the docs."""
    found = re.search(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[int]:
    location = re.search(r"location / \{.*?\n\s*\}", documented("nginx"), re.DOTALL)
    assert location is not None
    (port,) = free_ports(1)
    config = folder / "nginx.conf"
    here = location[0].replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    config.write_text(NGINX.format(folder=folder, port=port, location=here))
    with _running([str(require("nginx")), "-p", str(folder), "-c", str(config)], port):
        yield port


@contextmanager
def caddy(folder: Path, upstream: int) -> Iterator[int]:
    directive = re.search(r"reverse_proxy .*", documented("caddy"))
    assert directive is not None
    (port,) = free_ports(1)
    config = folder / "Caddyfile"
    here = directive[0].replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    config.write_text(CADDY.format(port=port, directive=here))
    with _running([str(require("caddy")), "run", "--adapter", "caddyfile", "--config", str(config)], port):
        yield port


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait(20)


def answer_all(tab: Page, *, phone: bool) -> None:
    for place in range(1, SAMPLES + 1):
        tab.wait_for_url(f"**/sample/{place}")
        for part in (tab.get_by_label("Human"), tab.locator("#rating-4"), tab.locator("#next")):
            part.tap() if phone else part.click()
    tab.wait_for_url("**/done")


def enter_by_hand(tab: Page, address: str, code: str) -> None:
    """Without a script that reads the link."""
    tab.goto(address)
    tab.get_by_role("textbox").fill(code)
    tab.get_by_role("button", name="Begin").click()
    tab.get_by_label("I have read this").check()
    tab.get_by_role("button", name="Start").click()


@dataclass(frozen=True)
class Behind:
    """A survey behind a proxy, with a code for each rater."""

    address: str
    codes: Iterator[str]
    phone_runs_script: bool
    """The desktop runs it where the phone does not."""


@pytest.fixture(scope="module")
def browsers() -> Iterator[Browsers]:
    with open_browsers() as opened:
        yield opened


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((nginx, False), marks=needs("chromium", "nginx"), id="nginx"),
        pytest.param((caddy, True), marks=needs("chromium", "caddy"), id="caddy"),
    ],
)
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("proxy")
    make_survey(folder / "survey", SAMPLES)
    proxy: Proxy
    proxy, phone_runs_script = request.param
    with serving(folder / "survey") as server, proxy(folder, server.port) as port:
        invited = iter(codes(folder / "survey", 2))
        yield Behind(f"http://127.0.0.1:{port}", invited, phone_runs_script)


@pytest.mark.parametrize("script", [True, False])
def test_a_whole_survey_behind_a_proxy(behind: Behind, browsers: Browsers, script: bool) -> None:
    phone = script == behind.phone_runs_script
    tab = browsers.rater(phone=phone, script=script).new_page()
    (enter if script else enter_by_hand)(tab, behind.address, next(behind.codes))
    answer_all(tab, phone=phone)
