"""A bad road to a good S3: a rule says what befalls each request."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

from tests.servers.background import background
from tests.servers.ports import free_ports

ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
HOP = {"connection", "transfer-encoding", "content-length", "expect", "keep-alive"}


@dataclass(frozen=True)
class Fault:
    """What befalls one request.

    Args:
        status: answered instead of the server's own answer.
        code: S3's word in that answer.
        commits: the request reaches the server all the same.
        cut: the connection breaks instead of an answer.
        seconds: the request takes this much longer, before it is passed on.
        late: the answer takes this much longer.
    """

    status: int | None = None
    code: str = "InternalError"
    commits: bool = False
    cut: bool = False
    seconds: float = 0.0
    late: float = 0.0


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    method: str
    path: str

    @property
    def writes_shard(self) -> bool:
        return self.method == "PUT" and "/shards/" in self.path


Rule = Callable[[Call], Fault | None]


@dataclass
class S3Proxy:
    """The near end; `calls` are the requests so far, `passed` what the server answered to which."""

    port: int
    target: str
    rule: Rule = lambda _: None
    calls: list[Call] = field(default_factory=list)
    passed: list[tuple[Call, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        session = ClientSession(
            cookie_jar=DummyCookieJar(), auto_decompress=False, connector=TCPConnector(limit=0)
        )

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(request, session)

        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield
        finally:
            await runner.cleanup()
            await session.close()

    async def _handle(self, request: web.Request, session: ClientSession) -> web.StreamResponse:
        call = Call(request.method, request.path)
        self.calls.append(call)
        fault = self.rule(call) or Fault()
        body = await request.read()
        await asyncio.sleep(fault.seconds)
        answer = None
        if fault.commits or (fault.status is None and not fault.cut):
            answer = await self._pass(call, request, body, session)
        await asyncio.sleep(fault.late)
        if fault.cut:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if fault.status is not None:
            return web.Response(
                status=fault.status, text=ERROR.format(code=fault.code), content_type="application/xml"
            )
        assert answer is not None
        return answer

    async def _pass(
        self, call: Call, request: web.Request, body: bytes, session: ClientSession
    ) -> web.Response:
        """Host and signature stay as the client made them."""
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP]
        async with session.request(
            request.method, self.target + request.raw_path, data=body, headers=headers, allow_redirects=False
        ) as answer:
            content = await answer.read()
            self.passed.append((call, answer.status))
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP]
            reply = web.Response(status=answer.status, body=content, headers=kept)
            if request.method == "HEAD":
                reply.headers["Content-Length"] = answer.headers.get("Content-Length", "0")
            return reply


@contextmanager
def s3_proxy(target: str) -> Iterator[S3Proxy]:
    """A proxy to the S3 at `target`, until the block ends."""
    proxy = S3Proxy(free_ports(1)[0], target)
    with background(proxy.serving):
        yield proxy
