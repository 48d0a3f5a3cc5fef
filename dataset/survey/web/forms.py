"""Small forms, read with suspicion."""

import asyncio
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from dataset.survey.answers import RATINGS, Answer
from dataset.survey.layout import Author
from dataset.survey.web.protection import require_csrf_token, require_same_origin
from dataset.survey.web.refusal import Refusal

FORM = "application/x-www-form-urlencoded"
MOST_BYTES = 2048
MOST_FIELDS = 8
SECONDS = 20.0
MOST_REVISIONS = 1_000_000


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a posted form.

    Raises:
        Refusal: it is no form, too large, too slow, unfinished, or has a field twice.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refusal(415)
    try:
        async with asyncio.timeout(SECONDS):
            body = await _body(request)
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except (TimeoutError, ValueError, ClientDisconnect) as error:
        raise Refusal(400) from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Refusal(400)
    return fields


async def read_own_form(request: Request, session: str, origin: str | None) -> dict[str, str]:
    """The fields of a form on a page of the session's own.

    Args:
        request: with a form.
        session: of its rater.
        origin: host and port of the survey's address; None where it is not known.

    Raises:
        Refusal: as `read_form`; another site sent it, or it is not the session's.
    """
    require_same_origin(request, origin)
    form = await read_form(request)
    require_csrf_token(form, session)
    return form


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Refusal(413)
    return body


def read_answer(form: dict[str, str]) -> Answer:
    """The guess and the rating of a form.

    Raises:
        Refusal: one is missing or impossible.
    """
    try:
        answer = Answer(Author(form["guess"]), int(form["rating"]))
    except (KeyError, ValueError) as error:
        raise Refusal(400) from error
    if answer.rating not in RATINGS or form["rating"] != str(answer.rating):
        raise Refusal(400)
    return answer


def read_seen(form: dict[str, str]) -> int:
    """The revision that the form's page showed.

    Raises:
        Refusal: it is missing or impossible.
    """
    seen = form.get("seen", "")
    if not (seen.isascii() and seen.isdecimal() and len(seen) < len(str(MOST_REVISIONS))):
        raise Refusal(400)
    return int(seen)
