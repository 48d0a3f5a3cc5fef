"""Enumerations whose members carry their meaning, so that there is no second list."""

from enum import StrEnum
from typing import Self


class Explained(StrEnum):
    """A member is written as `NAME = "value", "meaning"`.

    Raises:
        TypeError: a member has no meaning.
    """

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        if not meaning:
            raise TypeError(f"{cls.__module__}.{cls.__name__}: {value!r} has no meaning beside it")
        member = str.__new__(cls, value)
        member._value_, member.meaning = value, meaning
        return member
