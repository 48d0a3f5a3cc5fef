"""What is the matter with this worker, not with a URL."""

from common.errors import FleetError


class SignatureKeyError(FleetError):
    """The key that requests are to be signed with cannot be used."""

    label = "SignatureKeyError"
