"""The budget of bytes that a URL may receive, of any kind."""

from common.run.status import Status
from workers.fetch.failure import Failure
from workers.fetch.head import MAX_BYTES


class Traffic:
    """The bytes that one URL may still receive, over all its redirects, and their failure.

    Attributes:
        left: bytes.
        failure: the reason why a connection was aborted, if one was.
    """

    __slots__ = ("_limit", "failure", "left")

    def __init__(self, max_body: int) -> None:
        self._limit = self.left = max_body + MAX_BYTES
        self.failure: Failure | None = None

    def spend(self, count: int) -> None:
        """Count bytes; raise Failure once there are too many."""
        self.left -= count
        if self.left < 0:
            raise Failure(Status.TOO_LARGE, f"more than {self._limit} bytes, framing and redirects included")

    def require_complete(self) -> None:
        """Raise Failure if the connection was aborted: a body without length seems to end there."""
        if self.failure is not None:
            raise self.failure
