"""X-Robots-Tag (developers.google.com/search/docs/crawling-indexing/robots-meta-tag), noai and noml."""

import re
from collections.abc import Iterable, Iterator

from common.signs import SIGNS, Family
from workers.fetch.signs.agent import TOKEN, product_token

_VALUED = frozenset(
    {"unavailable_after", "unavailable-after", "max-snippet", "max-image-preview", "max-video-preview"}
)
_DIRECTIVES = (
    frozenset(sign.word for sign in SIGNS if sign.family is Family.ROBOTS_TAG)
    | _VALUED
    | {"all", "index", "follow", "nofollow", "archive", "noarchive", "nocache", "snippet", "nosnippet"}
    | {"notranslate", "indexifembedded", "nositelinkssearchbox", "noodp", "noydir"}
)
"""Words that are no user agent's name, though a colon may follow them."""

_COMMENT = re.compile(r"\([^()]*\)")
"""Of a user agent, which holds colons and commas of its own."""


def find_robots_tag(values: Iterable[str], honoured: frozenset[str]) -> str | None:
    """The first honoured directive for everybody or for us in the values of the headers."""
    for value in values:
        for directive in _directives(_COMMENT.sub("", value.lower())):
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
        name = directive.partition(":")[0].strip()  # the rest is its value
        if ours and name not in _VALUED:
            yield from name.split()


def _scope(item: str) -> tuple[str | None, str]:
    """The user agent before the first colon, or None, and the rest."""
    name, colon, rest = item.partition(":")
    name = name.strip()
    is_time = name[-1:].isdigit() and rest[:1].isdigit()
    if not colon or not name or is_time or not _DIRECTIVES.isdisjoint(name.split()):
        return None, item
    return name, rest
