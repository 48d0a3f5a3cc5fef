"""Environment variables as they arrive: misspelt names, and the quotes and line ends that env files leave."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from urllib.parse import unquote

from common.errors import FleetError
from common.settings.fields import Group
from common.settings.tree import PREFIX, Settings

NEIGHBOURS = ("AWS_", "FLOWER_", "HF_")
"""Prefixes of variables in the same env files that are read by libraries with poorer messages."""
FREE_TEXT = "FLEET_SAMPLING_PROMPT"
"""The only setting with spaces at its ends."""
PLACEHOLDER = re.compile(r"(?<![a-z])change[-_.]?me(?![a-z])", re.IGNORECASE)
"""`change-me`, the word of the example files, as people spell it; as a password, everybody knows it."""
QUOTES = frozenset("\"'\u201c\u201d\u2018\u2019")  # word processors' too
SIMILAR = 0.8


@cache
def setting_names() -> Mapping[str, bool]:
    """Every variable of the tree, in its order; whether it holds a list."""
    return dict(_names(Settings, PREFIX))


def _names(model: type[Settings | Group], prefix: str) -> Iterator[tuple[str, bool]]:
    for name, field in model.model_fields.items():
        kind, variable = field.annotation, f"{prefix}{name.upper()}"
        if isinstance(kind, type) and issubclass(kind, Group):
            yield from _names(kind, f"{variable}_")
        else:
            yield variable, isinstance(field.get_default(call_default_factory=True), tuple)


def require_readable(environment: Mapping[str, str]) -> None:
    """Refuse values that would silently become a default, another folder or another password.

    Raises:
        FleetError: there is no such setting, or its value is not what somebody meant; no value is shown.
    """
    for name, value in environment.items():
        plain = re.sub(r"^\W+", "", name).upper()  # a file's byte order mark sticks to its first name
        if plain.startswith(PREFIX):
            _require_known(name)
            _require_clean(name, _texts(plain, value))
        elif plain.startswith(NEIGHBOURS):
            _require_clean(name, [value])


def _require_known(name: str) -> None:
    """Settings are read without regard to case, as pydantic does."""
    if name.upper() in setting_names():
        return
    near = get_close_matches(name.upper(), setting_names(), n=1, cutoff=SIMILAR)
    advice = f"did you mean {near[0]}?" if near else "docs/settings.md lists them all"
    raise FleetError(f"{_printable(name)}: there is no such setting; {advice}")


def _texts(variable: str, value: str) -> list[str]:
    """The items of a list, between which spaces and line ends mean nothing; else the value."""
    return [item.strip() for item in value.split(",")] if setting_names().get(variable) else [value]


def _require_clean(name: str, texts: Iterable[str]) -> None:
    for text in texts:
        control = re.search(r"[\x00-\x1f\x7f]", text)
        if control:
            raise FleetError(
                f"{name}: holds the control character {control[0]!r}; remove it (Windows line ends?)"
            )
        if not text.isascii() and re.search(r"[\ud800-\udfff]", text):
            raise FleetError(f"{name}: holds bytes that are not UTF-8; write it in UTF-8")
        if text[:1] in QUOTES:
            raise FleetError(f"{name}: begins with a quote; write it without (env files keep quotes)")
        if text != text.strip() and name.upper() != FREE_TEXT:
            raise FleetError(f"{name}: has spaces at its ends; remove them")
        if PLACEHOLDER.search(unquote(text)):
            raise FleetError(f"{name}: still says change-me, as the example does; put in your own")


def _printable(name: str) -> str:
    return name if name.isascii() and name.isprintable() else ascii(name)
