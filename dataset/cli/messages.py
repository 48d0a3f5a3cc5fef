"""Lines and exit codes that several commands share."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import typer

from common.console.cli import EXIT_INCOMPLETE, fail
from common.deny.deny_list import DenyList
from dataset.errors import BadRunError

LINES_TOLD = 20

logger = structlog.get_logger(__name__)


@contextmanager
def bad_runs() -> Iterator[None]:
    """A run that is incomplete or bad is exit code 1; wrong use is 2."""
    try:
        yield
    except BadRunError as error:
        fail(error)
        raise typer.Exit(EXIT_INCOMPLETE) from error


def tell_unmatched(deny_list: DenyList | None) -> None:
    """Name the entries, as far as the rows were read just now."""
    if deny_list is not None and deny_list.matched != set() and deny_list.unmatched:
        lines = [entry.line for entry in deny_list.unmatched[:LINES_TOLD]]
        logger.warning("entries of the deny list matched no row", first_lines=lines)
