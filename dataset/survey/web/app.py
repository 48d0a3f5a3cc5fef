"""The application, ready to be served."""

from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from common.errors import FleetError
from dataset.survey.database import Database
from dataset.survey.layout import Survey
from dataset.survey.web.endpoints import Endpoints
from dataset.survey.web.error_pages import show_failure, show_refusal
from dataset.survey.web.pages import Pages
from dataset.survey.web.protection import SafeHeaders
from dataset.survey.web.redirect import Elsewhere, send_elsewhere


def make_app(survey: Survey, folder: Path, database: Database, url: str | None = None) -> ASGIApp:
    """The application, ready to be served."""
    pages = Pages(survey)
    failed = partial(show_failure, pages)
    app = Starlette(
        routes=Endpoints(survey, folder, database, url).routes(),
        exception_handlers={
            Elsewhere: send_elsewhere,
            HTTPException: partial(show_refusal, pages),
            FleetError: failed,
            Exception: failed,
        },
    )
    app.router.redirect_slashes = False  # it would redirect to whatever host the request names
    return SafeHeaders(app)
