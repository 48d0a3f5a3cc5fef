"""Where a rater goes next."""

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

JSON = "application/json"


class Elsewhere(Exception):  # noqa: N818 - no error
    """The rater belongs on another page first; its path is the argument."""


def see(place: str) -> Response:
    return RedirectResponse(place, 303)


def go_to(request: Request, place: str) -> Response:
    """To a script as JSON, to a browser without one as a redirection."""
    return JSONResponse({"next": place}) if JSON in request.headers.get("accept", "") else see(place)


async def send_elsewhere(request: Request, error: Exception) -> Response:
    """The answer to a request that raised `Elsewhere`."""
    return go_to(request, str(error))
