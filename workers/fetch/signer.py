"""Whether requests are signed: only then the cryptography is loaded."""

from pathlib import Path
from typing import Protocol

from common.settings import MannersSettings
from common.url import WebUrl


class Signer(Protocol):
    """Signs requests."""

    def sign(self, url: WebUrl) -> dict[str, str]:
        """The headers that a request for a URL has more; none where its authority cannot be signed."""


def open_signer(settings: MannersSettings) -> Signer | None:
    """The signer of these settings, if requests are to be signed.

    Raises:
        SignatureKeyError: the key cannot be used.
    """
    if settings.key is None or settings.agent is None:
        return None
    from workers.fetch.signature import RequestSigner, read_key  # noqa: PLC0415 - 0.15 s of every start

    return RequestSigner(read_key(Path(settings.key)), settings.agent)
