"""X-Robots-Tag (developers.google.com/search/docs/crawling-indexing/robots-meta-tag), noai and noml."""

import re
from collections.abc import Iterable, Iterator

from common.signs import SIGNS, Family
from workers.fetch.signs.agent import TOKEN, product_token

_KNOWN = frozenset(sign.word for sign in SIGNS if sign.family is Family.ROBOTS_TAG)
_VALUED = frozenset(
    {"unavailable_after", "unavailable-after", "max-snippet", "max-image-preview", "max-video-preview"}
)
_NAME = re.compile(r"[a-z*][\w.*/-]*")


def find_robots_tag(values: Iterable[str], honoured: frozenset[str]) -> str | None:
    """The first honoured directive for everybody or for us in the values of the headers."""
    for value in values:
        for directive in _directives(value.lower()):
            if directive in honoured:
                return directive
    return None


def _directives(value: str) -> Iterator[str]:
    """The directives of one header that concern us; a user agent's name scopes the rest of it."""
    ours = True
    for item in re.split("[,;]", value):
        agent, directive = _scope(item)
        if agent is not None:
            ours = agent == "*" or product_token(agent) == TOKEN
        if ours and directive.partition(":")[0].strip() not in _VALUED:
            yield from directive.replace(":", " ").split()


def _scope(item: str) -> tuple[str | None, str]:
    """The user agent before the first colon, or None, and the rest."""
    name, colon, rest = item.partition(":")
    name = name.strip()
    if colon and _NAME.fullmatch(name) and name not in _KNOWN | _VALUED:
        return name, rest
    return None, item
