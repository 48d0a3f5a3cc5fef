"""The pages of requests that fail."""

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dataset.survey.web.pages import Pages
from dataset.survey.web.refusal import WORDS

log = structlog.get_logger(__name__)


async def show_refusal(pages: Pages, _: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    response = pages.refusal(WORDS.get(status, WORDS[400]), status)
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def show_failure(pages: Pages, request: Request, error: Exception) -> Response:
    log.error("failed", path=request.scope["path"], error=" ".join(str(error).split()))
    return await show_refusal(pages, request, error)
