"""One request of a rater with a session, and the rater's progress."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from dataset.survey.raters import Rater
from dataset.survey.web.protection import form_token

COOKIE = "survey_session"
DAYS = 60


@dataclass(frozen=True, slots=True)
class Visit:
    """A rater, their session, and their own order of samples."""

    rater: Rater
    session: str
    order: tuple[str, ...]

    @property
    def token(self) -> str:
        """For the session's forms."""
        return form_token(self.session)

    def position(self, sample: str) -> int:
        """Counted from 1."""
        return self.order.index(sample) + 1

    def next_position(self, done: frozenset[str]) -> int | None:
        """The first sample without an answer; None after the last."""
        return next((place for place, sample in enumerate(self.order, 1) if sample not in done), None)


def set_session(request: Request, response: Response, token: str) -> None:
    """Keep the session in a cookie that scripts and other sites cannot use."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=DAYS * 24 * 3600,
        httponly=True,
        samesite="strict",
        secure=request.scope["scheme"] == "https",
    )
