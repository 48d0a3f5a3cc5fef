"""The survey's server as people start it, and a rater without a browser."""

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from tests.servers.ports import free_ports, wait_for

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Server:
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """`dataset survey serve`, in a process of its own."""
    (port,) = free_ports(1)
    command = [
        str(Path(sys.executable).parent / "dataset"),
        "survey",
        "serve",
        str(folder),
        "--port",
        str(port),
        *options,
    ]
    with (folder.parent / f"{folder.name}-serve.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(port)
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait(20)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def place(self) -> str:
        return self.headers.get("location", "")

    def hidden(self, name: str) -> str:
        """The value of the page's first hidden field of this name."""
        match = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert match is not None, self.text
        return match[1]


@dataclass
class Client:
    """Keeps one connection and the cookies."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    seen: list[Reply] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, None, headers)

    def post(self, path: str, form: Mapping[str, object] | bytes, **headers: str) -> Reply:
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        return self.ask("POST", path, body, {"content-type": FORM} | headers)

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self._connection.request(method, path, body, sent)
        answer = self._connection.getresponse()
        reply = Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        if "set-cookie" in reply.headers:
            name, _, value = reply.headers["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        self.seen.append(reply)
        return reply

    def enter(self, code: str) -> Reply:
        """With the code, as far as the consent."""
        assert self.post("/enter", {"code": code}).status == 303
        page = self.get("/consent")
        return self.post("/consent", {"token": page.hidden("token"), "agree": "yes"})

    def answer(self, place: str, guess: str = "human", rating: int = 4) -> Reply:
        page = self.get(place)
        form = {"token": page.hidden("token"), "seen": page.hidden("seen"), "guess": guess, "rating": rating}
        return self.post(place, form)

    def close(self) -> None:
        self._connection.close()
