"""A server that speaks the Hub's calls for one data set and keeps every commit; the LFS way, not Xet's.

Calls: create a repository, what it holds, its files by name and range, validate a card, ask how each
file goes (`preupload`), the LFS batch and its uploads, commit. What a call answers follows
huggingface_hub's own client and `datasets`.
"""

import base64
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote, urlsplit

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
    commits: list[dict[str, bytes]] = field(default_factory=list)
    """What each commit left, the latest last."""
    calls: Counter[str] = field(default_factory=Counter)
    uploads_that_fail: int = 0
    slow: float = 0
    """Seconds that each upload and commit takes."""
    lock: Any = field(default_factory=Lock)

    @property
    def environment(self) -> dict[str, str]:
        return {"HF_ENDPOINT": self.address, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}

    @property
    def head(self) -> str:
        return f"{len(self.commits):040x}"

    def tree(self, folder: str) -> list[dict[str, Any]]:
        """What lies in a folder, the files below it included."""
        below = [path for path in self.files if path.startswith(f"{folder}/" if folder else "")]
        folders = {path.rpartition("/")[0] for path in below} - {"", folder}
        return [*map(self.entry, below), *map(_folder, sorted(folders))]

    def paths(self, wanted: list[str]) -> list[dict[str, Any]]:
        """Those of these paths that there are."""
        folders = {path.rpartition("/")[0] for path in self.files}
        found = [self.entry(path) for path in wanted if path in self.files]
        return [*found, *(_folder(path) for path in wanted if path in folders)]

    def entry(self, path: str) -> dict[str, Any]:
        """A file as the Hub lists it."""
        body = self.files[path]
        digest = hashlib.sha256(body).hexdigest()
        found: dict[str, Any] = {"type": "file", "path": path, "rfilename": path, "size": len(body)}
        found["oid"] = found["blobId"] = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
        if path.endswith(".parquet"):
            found["lfs"] = {"oid": digest, "sha256": digest, "size": len(body), "pointerSize": 130}
        return found


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_PUT(self) -> None:
        body = self._body()
        self.hub.calls["upload"] += 1
        time.sleep(self.hub.slow)
        if self.hub.uploads_that_fail:
            self.hub.uploads_that_fail -= 1
            return self._answer(400, {"error": "the test says no"})
        digest = self.path.removeprefix("/lfs/")
        assert hashlib.sha256(body).hexdigest() == digest
        self.hub.objects[digest] = body
        return self._answer(200, {})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if not self._is_authorised():
            return None
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/datasets/"):
            return self._resolve(path)
        rest = path.removeprefix("/api/datasets/").split("/")
        name = "/".join(rest[:2])
        if name not in self.hub.private:
            return self._answer(404, {"error": "Repository not found"}, code="RepoNotFound")
        if rest[2:3] == ["tree"]:
            return self._answer(200, self.hub.tree("/".join(rest[4:])))
        siblings = [self.hub.entry(path) for path in self.hub.files]
        said = {"_id": "1", "id": name, "sha": self.hub.head, "private": self.hub.private[name]}
        return self._answer(200, {**said, "siblings": siblings, "tags": [], "downloads": 0, "gated": False})

    def _resolve(self, path: str) -> None:
        key = path.split("/", 6)[6]
        if key not in self.hub.files:
            return self._answer(404, {"error": "Entry not found"}, code="EntryNotFound")
        body = self.hub.files[key]
        headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X-Repo-Commit": self.hub.head}
        return self._send(200, body, {**headers, "Content-Type": "application/octet-stream"})

    def _is_authorised(self) -> bool:
        known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        if not known:
            self._answer(401, {"error": "Invalid user token."})
        return known

    def do_POST(self) -> None:  # noqa: PLR0911 - one for each call
        body = self._body()
        if not self._is_authorised():
            return None
        if self.path == "/api/repos/create":
            return self._create(json.loads(body))
        if self.path == "/api/validate-yaml":
            return self._answer(200, {"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            return self._preupload(json.loads(body))
        if "/paths-info/" in self.path:
            return self._answer(200, self.hub.paths(json.loads(body)["paths"]))
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
                "oid": None,
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
        self._answer(200, {"transfer": "basic", "objects": objects}, kind="application/vnd.git-lfs+json")

    def _commit(self, lines: list[dict[str, Any]]) -> None:
        time.sleep(self.hub.slow)
        header, *changes = lines
        with self.hub.lock:
            if header["value"].get("parentCommit", self.hub.head) != self.hub.head:
                return self._answer(412, {"error": "A commit has happened since."})
            files = dict(self.hub.files)
            for change in changes:
                _apply(files, change["key"], change["value"], self.hub.objects)
            self.hub.files = files
            self.hub.commits.append(files)
        self.hub.calls["commit"] += 1
        repo = self.path.removeprefix("/api/").partition("/commit/")[0]
        url = f"{self.hub.address}/{repo}/commit/{self.hub.head}"
        return self._answer(200, {"commitUrl": url, "commitOid": self.hub.head, "success": True})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, status: int, body: Any, *, kind: str = "application/json", code: str = "") -> None:
        headers = {"Content-Type": kind, **({"X-Error-Code": code} if code else {})}
        self._send(status, json.dumps(body).encode(), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes=") and status == 200:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            end = min(int(last) + 1 if last else len(body), len(body))
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(body)}"
            status, body = 206, body[int(first) : end]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _apply(files: dict[str, bytes], kind: str, value: dict[str, Any], objects: dict[str, bytes]) -> None:
    if kind == "file":
        files[value["path"]] = base64.b64decode(value["content"])
    elif kind == "lfsFile":
        files[value["path"]] = objects[value["oid"]]
    elif kind == "deletedFile":
        del files[value["path"]]


@contextmanager
def local_hub() -> Iterator[Hub]:
    """Serve until the block ends."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.hub = hub = Hub(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
