"""The crawler's name in the files and headers of sites."""

import re

TOKEN = "caption-fleet"  # noqa: S105 - a product token (RFC 9309, 2.2.1)

_PRODUCT = re.compile(r"[A-Za-z_-]+")
_NAME = re.compile(r"[\w-]+", re.ASCII)


def product_token(value: str) -> str:
    """The product token that a value begins with, in small letters; `caption-fleet/1.0` is us."""
    found = _PRODUCT.match(value)
    return found[0].lower() if found else ""


def agent_name(value: str) -> str:
    """The name that a value begins with, in small letters; some hold digits, though no product token may."""
    found = _NAME.match(value)
    return found[0].lower() if found else ""
