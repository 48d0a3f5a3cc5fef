"""As much S3 as the fleet uses, in memory, with the manners of lesser stores, and their latency."""

import asyncio
import hashlib
import re
import ssl
from bisect import bisect_left, bisect_right, insort
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape, unescape

from aiohttp import web

from common.settings import S3Settings
from tests.servers.background import background
from tests.servers.ports import free_ports

KEY = "small"
PAGE = 1000
ERROR = "<Error><Code>{code}</Code><Message>{code}: {message}</Message></Error>"
STATUS = {
    "AccessDenied": 403,
    "ExpiredToken": 400,
    "MissingContentLength": 411,
    "NoSuchKey": 404,
    "NotImplemented": 501,
    "PreconditionFailed": 412,
    "XAmzContentSHA256Mismatch": 400,
}
UPLOAD = "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"


@dataclass(frozen=True)
class Refusal:
    """An error of S3: its code, and words that say more."""

    code: str
    message: str = ""


Rule = Callable[[web.Request], Refusal | None]


@dataclass
class SmallS3:
    """One bucket, `bucket`.

    Args:
        rule: refuses a request, or does not.
        overwrites: ignores `If-None-Match`.
        keeps_framing: stores aws-chunked bodies as they come.
        latency: seconds before every answer.
    """

    port: int
    rule: Rule = lambda _: None
    overwrites: bool = False
    keeps_framing: bool = False
    latency: float = 0.0
    tls: ssl.SSLContext | None = None
    objects: dict[str, bytes] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    """The keys in order."""
    requests: list[str] = field(default_factory=list)

    @property
    def endpoint_url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def settings(self) -> S3Settings:
        return S3Settings(endpoint_url=self.endpoint_url)

    @property
    def environment(self) -> dict[str, str]:
        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
        return {"FLEET_S3_ENDPOINT_URL": self.endpoint_url, **keys}

    def put(self, name: str, body: bytes = b"") -> None:
        if name not in self.objects:
            insort(self.names, name)
        self.objects[name] = body

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=1, auto_decompress=False, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=self.tls).start()
        try:
            yield
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        answer = await self._answer(request)
        if self.tls:
            answer.force_close()  # while the loop still runs
        return answer

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        await asyncio.sleep(self.latency)
        name = unquote(request.raw_path.split("?")[0]).lstrip("/").partition("/")[2]
        self.requests.append(f"{request.method} {name or request.query.get('prefix', '')}")
        refusal = self.rule(request)
        if refusal is not None:
            return _error(refusal)
        if request.method == "PUT":
            return self._create(name, request, body)
        if request.method == "DELETE":
            self._delete(name)
            return web.Response(status=204)
        if request.method == "POST" and "delete" in request.query:
            return self._delete_many(body.decode())
        if request.method == "POST":
            return web.Response(text=UPLOAD, content_type="application/xml")
        return self._get(name, request) if name else self._list(request)

    def _create(self, name: str, request: web.Request, body: bytes) -> web.Response:
        if "If-None-Match" in request.headers and not self.overwrites and name in self.objects:
            return _error(Refusal("PreconditionFailed"))
        framed = "STREAMING" in request.headers.get("x-amz-content-sha256", "")
        self.put(name, _unframed(body) if framed and not self.keeps_framing else body)
        return web.Response(headers={"ETag": _etag(self.objects[name])})

    def _delete(self, name: str) -> None:
        if self.objects.pop(name, None) is not None:
            del self.names[bisect_left(self.names, name)]

    def _delete_many(self, body: str) -> web.Response:
        names = [unescape(name) for name in re.findall(r"<Key>(.*?)</Key>", body, re.DOTALL)]
        for name in names:
            self._delete(name)
        gone = "".join(f"<Deleted><Key>{escape(name)}</Key></Deleted>" for name in names)
        return web.Response(text=f"<DeleteResult>{gone}</DeleteResult>", content_type="application/xml")

    def _get(self, name: str, request: web.Request) -> web.Response:
        if name not in self.objects:
            return _error(Refusal("NoSuchKey"))
        body = self.objects[name]
        etag = _etag(body)
        if request.headers.get("If-Match", etag).strip('"') != etag.strip('"'):
            return _error(Refusal("PreconditionFailed"))
        ranged = "Range" in request.headers
        part = body[request.http_range] if ranged else body
        headers = {"ETag": etag}
        if request.method == "HEAD":
            return web.Response(headers={**headers, "Content-Length": str(len(body))})
        return web.Response(status=206 if ranged else 200, body=part, headers=headers)

    def _list(self, request: web.Request) -> web.Response:
        """A page of keys; the token is the last key of the page before."""
        prefix, after = request.query.get("prefix", ""), request.query.get("continuation-token", "")
        start = bisect_right(self.names, after) if after else bisect_left(self.names, prefix)
        page = self.names[start : start + min(PAGE, int(request.query.get("max-keys", PAGE)))]
        keys = [name for name in page if name.startswith(prefix)]
        more = len(keys) == len(page) and bool(self.names[start + len(page) : start + len(page) + 1])
        more = more and self.names[start + len(page)].startswith(prefix)
        items = "".join(self._item(name) for name in keys)
        token = f"<NextContinuationToken>{quote(keys[-1])}</NextContinuationToken>" if more else ""
        head = f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
        text = f"<ListBucketResult>{head}{items}</ListBucketResult>"
        return web.Response(text=text, content_type="application/xml")

    def _item(self, name: str) -> str:
        body = self.objects[name]
        when = "<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        etag = f"<ETag>{escape(_etag(body))}</ETag>"
        return f"<Contents><Key>{quote(name)}</Key>{when}{etag}<Size>{len(body)}</Size></Contents>"


@contextmanager
def small_s3(tls: ssl.SSLContext | None = None) -> Iterator[SmallS3]:
    """Serve on loopback until the block ends."""
    server = SmallS3(free_ports(1)[0], tls=tls)
    with background(server.serving):
        yield server


def access_key(request: web.Request) -> str:
    """The key that a request is signed with."""
    found = re.search(r"Credential=([^/]+)/", request.headers.get("Authorization", ""))
    return found.group(1) if found else ""


def _error(refusal: Refusal) -> web.Response:
    text = ERROR.format(code=refusal.code, message=refusal.message)
    return web.Response(status=STATUS[refusal.code], text=text, content_type="application/xml")


@lru_cache(maxsize=10_000)
def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _unframed(framed: bytes) -> bytes:
    """The content of an aws-chunked body."""
    content = b""
    while framed:
        size, _, framed = framed.partition(b"\r\n")
        count = int(size.split(b";")[0], 16)
        if not count:
            break
        content, framed = content + framed[:count], framed[count + 2 :]
    return content
