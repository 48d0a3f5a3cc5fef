"""Types of settings: lists, paths and empty values from text; the base of every group."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt

AUTO: Final = "auto"
"""Chosen at a worker's start, from its card, cores, memory and file descriptors."""


def _split(value: object) -> object:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _require_number_or_auto(value: object) -> object:
    """One message, where a union of types would have two."""
    text = str(value)
    if text != AUTO and not (text.isascii() and text.isdigit() and int(text)):
        raise ValueError(f"{text[:40]!r} is neither a whole number above 0 nor auto")
    return text if text == AUTO else int(text)


def _expand_home(value: object) -> object:
    """No shell does it for variables that an env file holds."""
    if not isinstance(value, str) or not value.startswith("~"):
        return value
    try:
        return str(Path(value).expanduser())
    except RuntimeError as error:
        raise ValueError(f"{value}: there is no such home folder; write the path without ~") from error


EmptyIsNone = BeforeValidator(_empty_is_none)
NumberOrAuto = Annotated[int | Literal["auto"], BeforeValidator(_require_number_or_auto)]
Home = BeforeValidator(_expand_home)
CommaSeparated = BeforeValidator(_split)
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], CommaSeparated]
Lengths = Annotated[tuple[PositiveInt, ...], CommaSeparated, Field(min_length=1)]
Probability = Annotated[float, Field(gt=0, le=1)]


class Group(BaseModel):
    """A branch of the settings tree: closed, so that a misspelt variable is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
