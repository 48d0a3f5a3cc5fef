"""The table of signs: how a site or an image says no to captioning, to training, or to both.

A further sign is a line here and a test; its family is its parser, in `workers/fetch/signs/`. The most
restrictive sign wins, and permission never outweighs refusal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

VERSION = 1
"""Of the table: raised whenever a sign is added, removed or read otherwise."""

ALL = "all"

_RFC_9309 = "https://www.rfc-editor.org/rfc/rfc9309"
_DEVIANTART = "https://www.deviantart.com/team/journal/934500371"
_NOML = "https://noml.info"
_GOOGLE = "https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag"
_TDMREP = "https://www.w3.org/2022/tdmrep/"
_AIPREF = "https://datatracker.ietf.org/doc/draft-ietf-aipref-vocab/"
_SIGNALS = "https://contentsignals.org"
_PLUS = "http://ns.useplus.org/LDF/ldf-XMPSpecification"
_C2PA = "https://spec.c2pa.org"
_CAWG = "https://github.com/decentralized-identity/cawg-training-and-data-mining-assertion"
_PAY = "https://developers.cloudflare.com/ai-crawl-control/features/pay-per-crawl/"
_RSL = "https://rslstandard.org/rsl"


class Family(Enum):
    """Signs that one parser reads; the value begins their rows' errors, mostly."""

    ROBOTS_TXT = "robots.txt"
    ROBOTS_TAG = "x-robots-tag"
    TDM_HEADER = "tdm-reservation"
    TDM_FILE = "tdmrep.json"
    CONTENT_USAGE = "content-usage"
    CONTENT_SIGNAL = "content-signal"
    PLUS = "plus"
    TDM_XMP = "tdm:reservation"
    C2PA = "c2pa"
    PAYMENT = "http 402"
    LICENSE = "license"


class Where(Enum):
    """Where a sign stands."""

    SITE = "file of the site"
    HEADER = "response header"
    BOTH = "response header and robots.txt"
    IMAGE = "metadata in the image"
    STATUS = "status of the response"


class Forbids(Enum):
    """The use that a sign speaks about."""

    INPUT = "input of a captioning model"
    TRAINING = "training"
    ALL_USE = "input and training"
    INDEXING = "indexing"


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign.

    Args:
        family: its parser.
        word: its own word there; empty where the family has one sign only.
        where: it stands.
        forbids: the use.
        source: its definition.
    """

    family: Family
    word: str
    where: Where
    forbids: Forbids
    source: str

    @property
    def name(self) -> str:
        """By which an operator takes it off the list."""
        return f"{self.family.value}:{self.word}" if self.word else self.family.value


SIGNS = (
    Sign(Family.ROBOTS_TXT, "", Where.SITE, Forbids.ALL_USE, _RFC_9309),
    Sign(Family.ROBOTS_TAG, "noai", Where.HEADER, Forbids.TRAINING, _DEVIANTART),
    Sign(Family.ROBOTS_TAG, "noimageai", Where.HEADER, Forbids.TRAINING, _DEVIANTART),
    Sign(Family.ROBOTS_TAG, "noml", Where.HEADER, Forbids.TRAINING, _NOML),
    Sign(Family.ROBOTS_TAG, "noindex", Where.HEADER, Forbids.INDEXING, _GOOGLE),
    Sign(Family.ROBOTS_TAG, "noimageindex", Where.HEADER, Forbids.INDEXING, _GOOGLE),
    Sign(Family.ROBOTS_TAG, "none", Where.HEADER, Forbids.INDEXING, _GOOGLE),
    Sign(Family.TDM_HEADER, "", Where.HEADER, Forbids.ALL_USE, _TDMREP),
    Sign(Family.TDM_FILE, "", Where.SITE, Forbids.ALL_USE, _TDMREP),
    Sign(Family.CONTENT_USAGE, "train-ai", Where.BOTH, Forbids.TRAINING, _AIPREF),
    Sign(Family.CONTENT_USAGE, "ai-use", Where.BOTH, Forbids.INPUT, _AIPREF),
    Sign(Family.CONTENT_USAGE, "train-genai", Where.BOTH, Forbids.TRAINING, _AIPREF),  # of earlier drafts:
    Sign(Family.CONTENT_USAGE, "ai-output", Where.BOTH, Forbids.INPUT, _AIPREF),
    Sign(Family.CONTENT_USAGE, "bots", Where.BOTH, Forbids.ALL_USE, _AIPREF),
    Sign(Family.CONTENT_USAGE, "all", Where.BOTH, Forbids.ALL_USE, _AIPREF),
    Sign(Family.CONTENT_USAGE, "tdm", Where.BOTH, Forbids.ALL_USE, _AIPREF),
    Sign(Family.CONTENT_USAGE, "ai", Where.BOTH, Forbids.ALL_USE, _AIPREF),
    Sign(Family.CONTENT_USAGE, "genai", Where.BOTH, Forbids.TRAINING, _AIPREF),
    Sign(Family.CONTENT_USAGE, "inference", Where.BOTH, Forbids.INPUT, _AIPREF),
    Sign(Family.CONTENT_SIGNAL, "ai-train", Where.BOTH, Forbids.TRAINING, _SIGNALS),
    Sign(Family.CONTENT_SIGNAL, "ai-input", Where.BOTH, Forbids.INPUT, _SIGNALS),
    Sign(Family.CONTENT_SIGNAL, "use", Where.BOTH, Forbids.ALL_USE, _SIGNALS),
    Sign(Family.PLUS, "", Where.IMAGE, Forbids.ALL_USE, _PLUS),
    Sign(Family.TDM_XMP, "", Where.IMAGE, Forbids.ALL_USE, _TDMREP),
    Sign(Family.C2PA, "c2pa.training-mining", Where.IMAGE, Forbids.ALL_USE, _C2PA),
    Sign(Family.C2PA, "cawg.training-mining", Where.IMAGE, Forbids.ALL_USE, _CAWG),
    Sign(Family.PAYMENT, "", Where.STATUS, Forbids.ALL_USE, _PAY),
    Sign(Family.LICENSE, "", Where.SITE, Forbids.ALL_USE, _RSL),
)

NAMES = tuple(sign.name for sign in SIGNS)
OTHER = "other"
"""Of a refusal whose sign this version does not know."""


class Honoured:
    """The signs that are honoured.

    Args:
        names: `all`, names of signs, and names behind a `-`, which are taken off.

    Raises:
        ValueError: there is no such sign.
    """

    def __init__(self, names: Iterable[str] = (ALL,)) -> None:
        chosen = tuple(names)
        added = {name for name in chosen if not name.startswith("-")}
        removed = {name[1:] for name in chosen if name.startswith("-")}
        for name in (*added, *removed):
            _require_known(name)
        self.names = tuple(name for name in NAMES if (name in added or ALL in added) and name not in removed)
        """In the table's order."""

        self._words = {
            family: frozenset(
                sign.word for sign in SIGNS if sign.family is family and sign.name in self.names
            )
            for family in Family
        }

    def words(self, family: Family) -> frozenset[str]:
        """The words of a family that are honoured."""
        return self._words[family]

    def has(self, family: Family) -> bool:
        """Whether any sign of a family is honoured."""
        return bool(self._words[family])

    def __bool__(self) -> bool:
        return bool(self.names)


def _require_known(name: str) -> None:
    if name in NAMES or name == ALL:
        return
    near = get_close_matches(name, NAMES, n=1)
    raise ValueError(
        f"{name!r} is no sign; {f'did you mean {near[0]}?' if near else 'common/signs.py has all'}"
    )


def sign_of(error: str) -> str:
    """The name of the sign in the error of a row that it refused.

    `robots.txt: Disallow: /a/` gives `robots.txt`, `redirect: x-robots-tag: noai` gives `x-robots-tag:noai`.
    """
    kind, _, rest = error.removeprefix("redirect: ").removeprefix("robots.txt: ").partition(": ")
    if kind == "Disallow":
        return Family.ROBOTS_TXT.value
    names = (f"{kind}:{rest.partition('=')[0]}", kind, f"{Family.C2PA.value}:{kind}")
    return next((name for name in names if name in NAMES), OTHER)
