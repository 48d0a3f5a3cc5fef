"""Nobody asks strangers' servers for images without saying how they can be reached."""

from common.errors import FleetError
from common.settings import FetchSettings


class ContactError(FleetError):
    """A public address is not asked: this worker has no contact."""

    label = "ContactError"

    def __init__(self) -> None:
        super().__init__(
            "FLEET_FETCH_CONTACT is not set, and there are public addresses to ask;"
            " name a page or an address where a site can reach you (docs/crawler.md has the page's text)"
        )


def require_contact(settings: FetchSettings) -> None:
    """Raise ContactError where any address that can be asked is public, and there is no contact."""
    if not settings.contact and not settings.allow_networks:
        raise ContactError
