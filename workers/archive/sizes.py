"""One image of a source, within the bounds of the web's."""

from common.archive.held import Held
from common.run.status import Status
from workers.fetched import Fetched


def to_fetched(held: Held, absent: str) -> Fetched:
    """The outcome of a held image, as the fetcher reports its own.

    Args:
        held: the image, read up to the limit on bytes.
        absent: the detail where there is none.
    """
    if held.body is not None:
        return Fetched(Status.OK, body=held.body)
    if held.size:
        return Fetched(Status.TOO_LARGE, f"{held.size} bytes")
    return Fetched(Status.NO_IMAGE, absent)
