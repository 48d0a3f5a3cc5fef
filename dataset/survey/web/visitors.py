"""The raters behind requests, known by their sessions."""

from starlette.requests import Request

from dataset.survey.database import Database
from dataset.survey.layout import Survey
from dataset.survey.raters import rater_of
from dataset.survey.web.limits import Limiter
from dataset.survey.web.redirect import Elsewhere
from dataset.survey.web.refusal import Refusal
from dataset.survey.web.visit import COOKIE, Visit

REQUESTS = (20.0, 200)
"""Of one rater: per second, and at once."""


class Visitors:
    """The raters of one survey.

    Args:
        survey: for the order of its samples.
        database: of raters and answers.
    """

    def __init__(self, survey: Survey, database: Database) -> None:
        self._survey, self._database = survey, database
        self._requests = Limiter(*REQUESTS)

    def find(self, request: Request) -> Visit | None:
        """The visit of a rater with a session.

        Raises:
            Refusal: it is one of too many requests.
        """
        session = request.cookies.get(COOKIE, "")
        rater = rater_of(self._database, session)
        if rater is None:
            return None
        wait = self._requests.wait(rater.id)
        if wait:
            raise Refusal(429, retry_after=wait)
        self._requests.spend(rater.id)
        return Visit(rater, session, tuple(rater.order(self._survey)))

    def require(self, request: Request, *, consented: bool = True) -> Visit:
        """The visit of a rater who may see the page.

        Raises:
            Elsewhere: there is no session, or no consent where it is needed.
            Refusal: it is one of too many requests.
        """
        visit = self.find(request)
        if visit is None:
            raise Elsewhere("/")
        if consented and not visit.rater.consented:
            raise Elsewhere("/consent")
        return visit
