"""Refusals of the server, in words for the rater."""

from starlette.exceptions import HTTPException

WORDS = {
    400: "That is not a form of this survey. Go back and try again.",
    403: "That did not come from this page. Go back, reload and try again.",
    404: "There is nothing here.",
    405: "There is nothing here.",
    413: "That is too much.",
    415: "That is not a form of this survey.",
    429: "That was too fast. Wait a moment, then try again.",
    500: "Something is wrong with the survey. Your earlier answers are safe. Please tell who invited you.",
}


class Refusal(HTTPException):
    """An answer with a status and no more than `WORDS`."""

    def __init__(self, status: int, *, retry_after: float | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": str(int(retry_after) + 1)}
        super().__init__(status, headers=headers)
