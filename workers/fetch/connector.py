"""Connections that are metered, and not reused once either side closes them."""

from typing import cast

from aiohttp import ClientError, ClientHandlerType, ClientRequest, ClientResponse, ClientTimeout, TCPConnector
from aiohttp.client_middlewares import ClientMiddlewareType
from aiohttp.connector import Connection
from aiohttp.hdrs import CONNECTION
from aiohttp.tracing import Trace

from common.run.status import Status
from workers.fetch.failure import RETRY_SECONDS, Failure, classify
from workers.fetch.meter import Meter
from workers.fetch.traffic import Traffic


class MeteredRequest(ClientRequest):
    """A request of a URL whose traffic is counted.

    Attributes:
        traffic: of the URL.
        meter: of this request, once it is connected.
    """

    traffic: Traffic
    meter: Meter


class MeteredConnector(TCPConnector):
    """Gives out connections that hold no response yet, each with a meter for its request."""

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> Connection:
        """As TCPConnector does, for a MeteredRequest.

        Raises:
            Failure: the server has sent something before the request, which would be taken for its response.
        """
        connection = await super().connect(req, traces, timeout)
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None or protocol.should_close:
            connection.close()
            raise Failure(
                Status.CONNECT_ERROR, "bad response: bytes before the request", retry_in=RETRY_SECONDS
            )
        request = cast("MeteredRequest", req)
        if request.headers.get(CONNECTION) == "close":
            protocol.force_close()
        request.meter = Meter(protocol, transport, request.traffic)
        transport.set_protocol(request.meter)
        return connection


def meter(traffic: Traffic) -> ClientMiddlewareType:
    """A client middleware: exactly one attempt of a MeteredRequest, since aiohttp would repeat some."""

    async def send(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        metered = cast("MeteredRequest", request)
        metered.traffic = traffic
        try:
            response = await handler(request)
        except ClientError as error:
            raise traffic.failure or classify(error) from None
        metered.meter.watch(response.content)
        return response

    return send
