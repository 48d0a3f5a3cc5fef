"""The pages' HTML: everything is escaped, and nothing comes from elsewhere."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dataset.pages.asset import read_asset, read_style
from dataset.pages.templating import make_environment
from dataset.survey.answers import RATINGS, Progress, Standing
from dataset.survey.layout import Survey
from dataset.survey.web.visit import Visit

STATIC = {"survey.css": "text/css", "survey.js": "text/javascript", "icon.svg": "image/svg+xml"}
AN_HOUR = "public, max-age=3600"


class Pages:
    """One survey's pages."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._environment = make_environment("dataset.survey", autoescape=True)

    def welcome(self, *, wrong: bool = False) -> Response:
        return self._page("welcome", wrong=wrong)

    def consent(self, visit: Visit) -> Response:
        return self._page("consent", visit=visit, count=len(visit.order), contact=self._survey.contact)

    def sample(
        self,
        visit: Visit,
        *,
        sample: str,
        caption: str,
        standing: Standing,
        progress: Progress,
        stale: bool,
    ) -> Response:
        """One sample.

        Args:
            visit: of whom.
            sample: its id.
            caption: its caption.
            standing: what its rater said of it before.
            progress: what they have answered.
            stale: whether an answer came from a page that was out of date.
        """
        place = visit.position(sample)
        following = visit.order[place] if place < len(visit.order) else None
        return self._page(
            "sample",
            visit=visit,
            place=place,
            sample=sample,
            caption=caption,
            standing=standing,
            progress=progress,
            stale=stale,
            following=following,
            ratings=RATINGS,
        )

    def done(self, visit: Visit, *, progress: Progress) -> Response:
        return self._page("done", visit=visit, progress=progress, contact=self._survey.contact)

    def refusal(self, words: str, status: int) -> Response:
        return self._page("refusal", status, words=words)

    def _page(self, name: str, status: int = 200, **values: object) -> Response:
        template = self._environment.get_template(f"{name}.html.jinja")
        return HTMLResponse(template.render(title=self._survey.title, **values), status)


def static(name: str) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for one of our own files."""
    read = read_style if name.endswith(".css") else read_asset
    body = read("dataset.survey", name)

    async def endpoint(_: Request) -> Response:
        return Response(body, media_type=STATIC[name], headers={"Cache-Control": AN_HOUR})

    return endpoint
