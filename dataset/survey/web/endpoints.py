"""The endpoints: welcome, consent, one sample after the other, thanks."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dataset.survey.answers import Written, progress, standing, write
from dataset.survey.database import Database
from dataset.survey.layout import IMAGES, Survey
from dataset.survey.raters import consent, enter, is_code, leave
from dataset.survey.web.attempts import Attempts
from dataset.survey.web.forms import read_answer, read_form, read_own_form, read_seen
from dataset.survey.web.pages import STATIC, Pages, static
from dataset.survey.web.protection import require_same_origin
from dataset.survey.web.redirect import go_to, see
from dataset.survey.web.refusal import Refusal
from dataset.survey.web.visit import COOKIE, Visit, set_session
from dataset.survey.web.visitors import Visitors

PLACE = re.compile(r"[0-9]{1,9}")
FOR_EVER = "private, max-age=31536000, immutable"

log = structlog.get_logger(__name__)


class Endpoints:
    """The endpoints over one survey. Reading waits for nobody; writing waits for the disk, in a thread.

    Args:
        survey: without the truth.
        folder: of the survey's images.
        database: of raters and answers.
        url: where raters reach it; None is wherever their browsers say.
    """

    def __init__(self, survey: Survey, folder: Path, database: Database, url: str | None = None) -> None:
        self._origin = urlsplit(url).netloc if url else None
        self._captions = {sample.id: sample.caption for sample in survey.samples}
        self._images = {sample.image: folder / IMAGES / sample.image for sample in survey.samples}
        self._database = database
        self._pages = Pages(survey)
        self._visitors, self._attempts = Visitors(survey, database), Attempts()

    def routes(self) -> list[Route]:
        return [
            Route("/", self.welcome),
            Route("/enter", self.enter, methods=["POST"]),
            Route("/consent", self.consent_page),
            Route("/consent", self.consent, methods=["POST"]),
            Route("/next", self.next_sample),
            Route("/sample/{place}", self.sample),
            Route("/sample/{place}", self.answer, methods=["POST"]),
            Route("/sample/{place}/undo", self.undo, methods=["POST"]),
            Route("/done", self.done),
            Route("/leave", self.leave, methods=["POST"]),
            Route("/pictures/{name}", self.image),
            *(Route(f"/static/{name}", static(name)) for name in STATIC),
        ]

    async def welcome(self, request: Request) -> Response:
        if self._visitors.find(request) is not None:
            return see("/next")
        return self._pages.welcome()

    async def enter(self, request: Request) -> Response:
        """A code for a session. Only wrong codes count against the limits."""
        require_same_origin(request, self._origin)
        code = (await read_form(request)).get("code", "")
        if not is_code(self._database, code):
            self._attempts.count(request)
            return self._pages.welcome(wrong=True)
        session = await run_in_threadpool(enter, self._database, code)
        response = see("/next")
        set_session(request, response, session)
        return response

    async def consent_page(self, request: Request) -> Response:
        visit = self._visitors.require(request, consented=False)
        return self._pages.consent(visit)

    async def consent(self, request: Request) -> Response:
        visit = self._visitors.require(request, consented=False)
        form = await read_own_form(request, visit.session, self._origin)
        if form.get("agree") != "yes":
            raise Refusal(400)
        await run_in_threadpool(consent, self._database, visit.rater)
        return see("/next")

    async def next_sample(self, request: Request) -> Response:
        visit = self._visitors.require(request)
        return see(self._next(visit))

    async def sample(self, request: Request) -> Response:
        visit = self._visitors.require(request)
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
        visit = self._visitors.require(request)
        form = await read_own_form(request, visit.session, self._origin)
        sample = _sample_at(visit, request)
        written = await run_in_threadpool(
            write, self._database, visit.rater.id, sample, read_seen(form), read_answer(form)
        )
        if written is Written.STALE:
            return go_to(request, f"/sample/{visit.position(sample)}?stale")
        return go_to(request, self._next(visit))

    async def undo(self, request: Request) -> Response:
        """Take an answer back and show its sample; a second click finds it taken back already."""
        visit = self._visitors.require(request)
        form = await read_own_form(request, visit.session, self._origin)
        sample = _sample_at(visit, request)
        await run_in_threadpool(write, self._database, visit.rater.id, sample, read_seen(form), None)
        return go_to(request, f"/sample/{visit.position(sample)}")

    async def done(self, request: Request) -> Response:
        visit = self._visitors.require(request)
        state = progress(self._database, visit.rater.id)
        return self._pages.done(visit, progress=state)

    async def leave(self, request: Request) -> Response:
        visit = self._visitors.require(request, consented=False)
        await read_own_form(request, visit.session, self._origin)
        await run_in_threadpool(leave, self._database, visit.session)
        response = see("/")
        response.delete_cookie(COOKIE)
        return response

    async def image(self, request: Request) -> Response:
        """By its random name, if it is one of ours; without a date, which would tell when it was fetched."""
        self._visitors.require(request)
        path = self._images.get(request.path_params["name"])
        if path is None:
            raise Refusal(404)
        try:
            body = await run_in_threadpool(path.read_bytes)
        except OSError as error:
            log.error("image", path=str(path), error=str(error))
            raise Refusal(404) from error
        return Response(body, media_type="image/jpeg", headers={"Cache-Control": FOR_EVER})

    def _next(self, visit: Visit) -> str:
        state = progress(self._database, visit.rater.id)
        place = visit.next_position(state.done)
        return "/done" if place is None else f"/sample/{place}"


def _sample_at(visit: Visit, request: Request) -> str:
    place: str = request.path_params["place"]
    if not PLACE.fullmatch(place) or not 1 <= int(place) <= len(visit.order):
        raise Refusal(404)
    return visit.order[int(place) - 1]
