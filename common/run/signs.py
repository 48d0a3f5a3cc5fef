"""Signs by which a site says that its images must not be used."""

from common.settings import FetchSettings

X_ROBOTS_TAG = "x-robots-tag"
TDM_RESERVATION = "tdm-reservation"
SIGNS = (X_ROBOTS_TAG, TDM_RESERVATION)


def honoured_signs(settings: FetchSettings) -> tuple[str, ...]:
    """Those that a worker of these settings honours."""
    return SIGNS if settings.opt_out else ()
