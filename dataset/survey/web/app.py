"""The application: welcome, consent, one sample after the other, thanks."""

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from common.errors import FleetError
from dataset.survey.answers import Written, progress, standing, write
from dataset.survey.database import Database
from dataset.survey.layout import IMAGES, Survey
from dataset.survey.raters import consent, enter, is_code, leave, rater_of
from dataset.survey.web.forms import read_answer, read_form, read_seen
from dataset.survey.web.limits import Limiter, neighbourhood
from dataset.survey.web.pages import STATIC, Pages, static
from dataset.survey.web.protection import SafeHeaders, require_csrf_token, require_same_origin
from dataset.survey.web.refusal import WORDS, Refusal
from dataset.survey.web.visit import COOKIE, Visit, set_session

ATTEMPTS = (1 / 30, 10)
"""Wrong codes of one neighbourhood: per second, and at once."""
ATTEMPTS_OF_ALL = (1.0, 60)
REQUESTS = (20.0, 200)
"""Of one rater."""
JSON = "application/json"
FOR_EVER = "private, max-age=31536000, immutable"

log = structlog.get_logger(__name__)


class Application:
    """The endpoints over one survey. Reading waits for nobody; writing waits for the disk, in a thread.

    Args:
        survey: without the truth.
        folder: of the survey's pictures.
        database: of raters and answers.
        url: where raters reach it; None is wherever their browsers say.
    """

    def __init__(self, survey: Survey, folder: Path, database: Database, url: str | None = None) -> None:
        self._origin = urlsplit(url).netloc if url else None
        self._survey = survey
        self._captions = {sample.id: sample.caption for sample in survey.samples}
        self._images = {sample.image: folder / IMAGES / sample.image for sample in survey.samples}
        self._database = database
        self._pages = Pages(survey)
        self._attempts, self._all_attempts = Limiter(*ATTEMPTS), Limiter(*ATTEMPTS_OF_ALL)
        self._requests = Limiter(*REQUESTS)

    def routes(self) -> list[Route]:
        return [
            Route("/", self.welcome),
            Route("/enter", self.enter, methods=["POST"]),
            Route("/consent", self.consent_page),
            Route("/consent", self.consent, methods=["POST"]),
            Route("/next", self.next_sample),
            Route("/sample/{place:int}", self.sample),
            Route("/sample/{place:int}", self.answer, methods=["POST"]),
            Route("/sample/{place:int}/undo", self.undo, methods=["POST"]),
            Route("/done", self.done),
            Route("/leave", self.leave, methods=["POST"]),
            Route("/pictures/{name}", self.image),
            *(Route(f"/static/{name}", static(name)) for name in STATIC),
        ]

    async def welcome(self, request: Request) -> Response:
        if self._visit(request) is not None:
            return _see("/next")
        return self._pages.welcome()

    async def enter(self, request: Request) -> Response:
        """A code for a session. Only wrong codes count against the limits."""
        require_same_origin(request, self._origin)
        code = (await read_form(request)).get("code", "")
        if not is_code(self._database, code):
            self._require_attempt(request)
            return self._pages.welcome(wrong=True)
        session = await run_in_threadpool(enter, self._database, code)
        response = _see("/next")
        set_session(request, response, session)
        return response

    def _require_attempt(self, request: Request) -> None:
        """Count a wrong code; only those are limited, so that nobody is locked out by others."""
        host = neighbourhood(request.client.host if request.client else "")
        wait = max(self._attempts.wait(host), self._all_attempts.wait(None))
        if wait:
            raise Refusal(429, retry_after=wait)
        self._attempts.spend(host)
        self._all_attempts.spend(None)

    async def consent_page(self, request: Request) -> Response:
        visit = self._require_visit(request, consented=False)
        return self._pages.consent(visit)

    async def consent(self, request: Request) -> Response:
        visit = self._require_visit(request, consented=False)
        form = await self._own_form(request, visit)
        if form.get("agree") != "yes":
            raise Refusal(400)
        await run_in_threadpool(consent, self._database, visit.rater)
        return _see("/next")

    async def next_sample(self, request: Request) -> Response:
        visit = self._require_visit(request)
        return _see(self._next(visit))

    async def sample(self, request: Request) -> Response:
        visit = self._require_visit(request)
        sample = _sample_at(visit, request)
        return self._pages.sample(
            visit,
            sample=sample,
            caption=self._captions[sample],
            standing=standing(self._database, visit.rater.id, sample),
            progress=progress(self._database, visit.rater.id),
            stale="stale" in request.query_params,
        )

    async def answer(self, request: Request) -> Response:
        visit = self._require_visit(request)
        form = await self._own_form(request, visit)
        sample = _sample_at(visit, request)
        written = await run_in_threadpool(
            write, self._database, visit.rater.id, sample, read_seen(form), read_answer(form)
        )
        if written is Written.STALE:
            return _go_to(request, f"/sample/{visit.position(sample)}?stale")
        return _go_to(request, self._next(visit))

    async def undo(self, request: Request) -> Response:
        """Take an answer back and show its sample; a second click finds it taken back already."""
        visit = self._require_visit(request)
        form = await self._own_form(request, visit)
        sample = _sample_at(visit, request)
        await run_in_threadpool(write, self._database, visit.rater.id, sample, read_seen(form), None)
        return _go_to(request, f"/sample/{visit.position(sample)}")

    async def done(self, request: Request) -> Response:
        visit = self._require_visit(request)
        state = progress(self._database, visit.rater.id)
        return self._pages.done(visit, progress=state)

    async def leave(self, request: Request) -> Response:
        visit = self._require_visit(request, consented=False)
        await self._own_form(request, visit)
        await run_in_threadpool(leave, self._database, visit.session)
        response = _see("/")
        response.delete_cookie(COOKIE)
        return response

    async def image(self, request: Request) -> Response:
        """By its random name, if it is one of ours; without a date, which would tell when it was fetched."""
        self._require_visit(request)
        path = self._images.get(request.path_params["name"])
        if path is None:
            raise Refusal(404)
        try:
            body = await run_in_threadpool(path.read_bytes)
        except OSError as error:
            log.error("image", path=str(path), error=str(error))
            raise Refusal(404) from error
        return Response(body, media_type="image/jpeg", headers={"Cache-Control": FOR_EVER})

    async def _own_form(self, request: Request, visit: Visit) -> dict[str, str]:
        require_same_origin(request, self._origin)
        form = await read_form(request)
        require_csrf_token(form, visit.session)
        return form

    def _next(self, visit: Visit) -> str:
        state = progress(self._database, visit.rater.id)
        place = visit.next_position(state.done)
        return "/done" if place is None else f"/sample/{place}"

    def _visit(self, request: Request) -> Visit | None:
        session = request.cookies.get(COOKIE, "")
        rater = rater_of(self._database, session)
        if rater is None:
            return None
        wait = self._requests.wait(rater.id)
        if wait:
            raise Refusal(429, retry_after=wait)
        self._requests.spend(rater.id)
        return Visit(rater, session, tuple(rater.order(self._survey)))

    def _require_visit(self, request: Request, *, consented: bool = True) -> Visit:
        visit = self._visit(request)
        if visit is None:
            raise _Elsewhere("/")
        if consented and not visit.rater.consented:
            raise _Elsewhere("/consent")
        return visit


class _Elsewhere(Exception):  # noqa: N818 - no error
    """The rater belongs on another page first."""


def _see(place: str) -> Response:
    return RedirectResponse(place, 303)


def _go_to(request: Request, place: str) -> Response:
    """Where to go next: to a script as JSON, to a browser without one as a redirection."""
    return JSONResponse({"next": place}) if JSON in request.headers.get("accept", "") else _see(place)


def _sample_at(visit: Visit, request: Request) -> str:
    place: int = request.path_params["place"]
    if not 1 <= place <= len(visit.order):
        raise Refusal(404)
    return visit.order[place - 1]


async def _elsewhere(request: Request, error: Exception) -> Response:
    return _go_to(request, str(error))


async def _show_refusal(pages: Pages, _: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    response = pages.refusal(WORDS.get(status, WORDS[400]), status)
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def _show_failure(pages: Pages, request: Request, error: Exception) -> Response:
    log.error("failed", path=request.url.path, error=" ".join(str(error).split()))
    return await _show_refusal(pages, request, error)


def make_app(survey: Survey, folder: Path, database: Database, url: str | None = None) -> ASGIApp:
    """The application, ready to be served."""
    pages = Pages(survey)
    failed = partial(_show_failure, pages)
    app = Starlette(
        routes=Application(survey, folder, database, url).routes(),
        exception_handlers={
            _Elsewhere: _elsewhere,
            HTTPException: partial(_show_refusal, pages),
            FleetError: failed,
            Exception: failed,
        },
    )
    app.router.redirect_slashes = False  # it would redirect to whatever host the request names
    return SafeHeaders(app)
