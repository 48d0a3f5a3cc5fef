"""README.md as it lies in a data set: whose words are in it, and how it follows the next version.

The last line of a card is a comment with the texts that it was made with and a digest of all above.
Where the digest is right nobody has edited the card, and it is written anew. Where it is not, a
person's words are in it: then only the account between its two comments is replaced.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import structlog

ACCOUNT = re.compile(r"<!-- account:.*?<!-- end of the account -->", re.DOTALL)
SIGNATURE = re.compile(r"<!-- card ([A-Za-z0-9+/=]+) ([0-9a-f]{64}) -->\n*$")

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class CardTexts:
    """The texts that provenance cannot supply."""

    name: str = "Machine captions of web images"
    license: str = "other"
    contact: str = ""
    """Where to ask for the removal of rows."""
    language: str = ""
    """Of the captions, as an ISO 639-1 code; nothing is said where it is empty."""
    repo: str = ""
    """On the Hub, as owner/name."""


def sign(card: str, texts: CardTexts) -> str:
    """The card with its last line."""
    encoded = base64.b64encode(json.dumps(asdict(texts)).encode()).decode()
    return f"{card}<!-- card {encoded} {_digest(card)} -->\n"


def read_texts(card: bytes | None) -> CardTexts:
    """The texts that a card was made with; the defaults where it does not say."""
    signature = SIGNATURE.search(_decode(card))
    if signature is None:
        return CardTexts()
    try:
        said = json.loads(base64.b64decode(signature[1]))
        known = {field.name for field in fields(CardTexts)}
        return CardTexts(**{name: str(value) for name, value in said.items() if name in known})
    except (ValueError, AttributeError, RecursionError):
        return CardTexts()


def is_edited(card: bytes | None) -> bool:
    """Whether a person has written in it."""
    if card is None:
        return False
    signature = SIGNATURE.search(_decode(card))
    return signature is None or signature[2] != _digest(_decode(card)[: signature.start()])


def follow(card: bytes | None, render: Callable[[CardTexts], str]) -> bytes:
    """The card that tells of another version.

    Args:
        card: the one that is there, if any.
        render: makes the whole card from its texts.
    """
    rendered = render(read_texts(card))
    if card is None or not is_edited(card):
        return rendered.encode()
    account = ACCOUNT.search(rendered)
    text = _decode(card)
    if account is None or not ACCOUNT.search(text):
        logger.warning("the card was edited and is left alone; `dataset card` prints the account to put in")
        return card
    return ACCOUNT.sub(lambda _: account[0], text).encode()


def _decode(card: bytes | None) -> str:
    return (card or b"").decode("utf-8", "replace")


def _digest(card: str) -> str:
    return hashlib.sha256(card.encode()).hexdigest()
