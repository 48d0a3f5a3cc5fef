"""The limits of failed attempts: when a batch is given up, and when it is left to another worker."""

from common.queue.attempts import AttemptBook, Attempts
from common.queue.workers import Workers
from common.run.failure_record import Reason
from common.settings import LeaseSettings
from workers.delivery.errors import TriedHereError
from workers.delivery.giving_up import SEEN_SECONDS, Witnesses, is_given_up
from workers.delivery.worker_id import worker_id


class Limits:
    """The limits of one run's batches, for this worker.

    Args:
        book: of the run's attempts.
        workers: of the fleet.
        settings: the limits.
    """

    def __init__(self, book: AttemptBook, workers: Workers, settings: LeaseSettings) -> None:
        self._book, self._workers, self._settings = book, workers, settings

    def reason_to_give_up(self, batch: str, attempts: Attempts) -> Reason | None:
        """Why the batch is dead; None while it may be tried again."""
        if not self._is_reached(attempts):
            return None
        witnesses = self._witnesses(batch)
        if is_given_up(attempts.crashed, self._settings.max_crashed, witnesses):
            return Reason.CRASHED
        if is_given_up(attempts.vanished, self._settings.max_vanished, witnesses):
            return Reason.VANISHED
        return None

    def require_untried(self, batch: str, attempts: Attempts) -> None:
        """A batch at its limit is tried by a worker that it has not failed on yet.

        Raises:
            TriedHereError: it failed here; the attempt is closed without counting it.
        """
        if not self._is_reached(attempts) or not self._workers.has_finisher():
            return
        if worker_id() in self._book.workers_failed_on(batch):
            self._book.end(batch)
            raise TriedHereError(f"{batch}: failed here already; another worker has to try it")

    def _is_reached(self, attempts: Attempts) -> bool:
        limits = self._settings
        return attempts.crashed >= limits.max_crashed or attempts.vanished >= limits.max_vanished

    def _witnesses(self, batch: str) -> Witnesses:
        return Witnesses(
            proven=self._workers.count_finishers(self._book.workers_failed_on(batch)),
            seen=self._workers.count_seen(SEEN_SECONDS),
            anyone_works=self._workers.has_finisher(),
        )
