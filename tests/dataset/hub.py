"""A server that speaks the Hub's upload calls, and keeps what it is sent: the plain LFS way, not Xet's.

Calls: create a repository, validate a card, ask how each file goes (`preupload`), the LFS batch and
its uploads, commit. What a call answers follows huggingface_hub's own client.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hf_test"


@dataclass
class Hub:
    """What the server holds, and what it was asked."""

    address: str
    private: dict[str, bool] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    """LFS objects by SHA-256."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Of the head revision, by path."""
    oids: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    uploads_that_fail: int = 0

    @property
    def environment(self) -> dict[str, str]:
        return {"HF_ENDPOINT": self.address, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_PUT(self) -> None:
        body = self._body()
        self.hub.calls["upload"] += 1
        if self.hub.uploads_that_fail:
            self.hub.uploads_that_fail -= 1
            return self._answer(400, {"error": "the test says no"})
        digest = self.path.removeprefix("/lfs/")
        assert hashlib.sha256(body).hexdigest() == digest
        self.hub.objects[digest] = body
        return self._answer(200, {})

    def do_GET(self) -> None:
        if self._authorised():
            self._answer(200, {"id": "owner/name", "sha": "0" * 40})

    def _authorised(self) -> bool:
        known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        if not known:
            self._answer(401, {"error": "Invalid user token."})
        return known

    def do_POST(self) -> None:
        body = self._body()
        if not self._authorised():
            return None
        if self.path == "/api/repos/create":
            return self._create(json.loads(body))
        if self.path == "/api/validate-yaml":
            return self._answer(200, {"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            return self._preupload(json.loads(body))
        if self.path.endswith("/info/lfs/objects/batch"):
            return self._batch(json.loads(body))
        assert "/commit/" in self.path
        return self._commit([json.loads(line) for line in body.splitlines()])

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        known = name in self.hub.private
        self.hub.private.setdefault(
            name, asked.get("visibility") == "private" or asked.get("private") is True
        )
        url = f"{self.hub.address}/datasets/{name}"
        return self._answer(409 if known else 200, {"url": url, "name": name, "error": "exists"})

    def _preupload(self, asked: dict[str, Any]) -> None:
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(".parquet") else "regular",
                "shouldIgnore": False,
                "oid": self.hub.oids.get(file["path"]),
            }
            for file in asked["files"]
        ]
        self._answer(200, {"files": files})

    def _batch(self, asked: dict[str, Any]) -> None:
        objects = []
        for wanted in asked["objects"]:
            href = f"{self.hub.address}/lfs/{wanted['oid']}"
            missing = wanted["oid"] not in self.hub.objects
            objects.append({**wanted, **({"actions": {"upload": {"href": href}}} if missing else {})})
        self._answer(200, {"transfer": "basic", "objects": objects}, "application/vnd.git-lfs+json")

    def _commit(self, lines: list[dict[str, Any]]) -> None:
        self.hub.calls["commit"] += 1
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                body = base64.b64decode(value["content"])
                self.hub.oids[value["path"]] = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
                self.hub.files[value["path"]] = body
            elif line["key"] == "lfsFile":
                self.hub.oids[value["path"]] = value["oid"]
                self.hub.files[value["path"]] = self.hub.objects[value["oid"]]
        repo = self.path.removeprefix("/api/").partition("/commit/")[0]
        url = f"{self.hub.address}/{repo}/commit/{'1' * 40}"
        self._answer(200, {"commitUrl": url, "commitOid": "1" * 40, "success": True})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, status: int, body: dict[str, Any], kind: str = "application/json") -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def local_hub() -> Iterator[Hub]:
    """Serve until the block ends."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.hub = hub = Hub(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
