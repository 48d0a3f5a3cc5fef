"""Errors of the Hub's client as one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from common.errors import FleetError, StoreError

AGAIN = "start again, what the Hub has stays there"
LOG_IN = "log in with `hf auth login`, with a token that may write"
REFUSED = frozenset({401, 403})


@contextmanager
def hub_errors(repo: str) -> Iterator[None]:
    """Turn every exception in the block into a line about `repo`.

    Raises:
        FleetError: the name is none.
        StoreError: the Hub refuses or cannot be reached.
    """
    from huggingface_hub.errors import HFValidationError  # noqa: PLC0415 - slow to import, and rarely needed

    try:
        yield
    except FleetError:
        raise
    except HFValidationError as error:
        raise FleetError(f"{repo}: {error}; write the repository as owner/name") from error
    except Exception as error:  # which HTTP library the Hub's client uses is not ours to know
        raise StoreError(f"{repo}: {_explain(error)}") from error


def _explain(error: Exception) -> str:
    """The cause, which the client wraps once or not at all, and the remedy."""
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    for cause in (error, error.__cause__):
        if isinstance(cause, HfHubHTTPError):
            status = cause.response.status_code
            cure = LOG_IN if status in REFUSED else AGAIN
            return f"the Hub answered {status}: {cause.server_message or cause}; {cure}"
    cause = error.__cause__ or error
    return f"{cause.__class__.__name__}: {cause}; {AGAIN}"
