"""Places of parts, each in one spelling."""

from collections.abc import Iterable

from common.store import absolute_uri

HUB = "hf://"


def allowed_places(prefixes: Iterable[str]) -> tuple[str, ...]:
    """Prefixes of `FLEET_PARTS_ALLOW`, each in the one spelling of its place.

    Raises:
        AddressError: a prefix is no place of parts.
    """
    return tuple(
        prefix.rstrip("/") if prefix.startswith(HUB) else absolute_uri(prefix) for prefix in prefixes
    )
