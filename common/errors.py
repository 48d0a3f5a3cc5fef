"""Errors with a one-line message for the user."""

from typing import ClassVar


class FleetError(Exception):
    """Bad input or infrastructure; the message is one line: cause, place, remedy."""

    label: ClassVar[str] = "FleetError"
    """In metrics: spelled out on each class, so that a class may be renamed and its series goes on."""


class StoreError(FleetError):
    """The output or a part cannot be read or written: an infrastructure failure, never a row's."""

    label = "StoreError"


class RefusedError(StoreError):
    """A store or the Hub answered, and would not: credentials, rights, or an address that it hides.

    Proves nothing about the object: it may be there for others.
    """

    label = "RefusedError"


class NoPlaceError(StoreError):
    """There can be no object at this address: it lies below a file, is no file, or its name is too long.

    No waiting mends it, unlike other failures of a store.
    """

    label = "NoPlaceError"


class ChangedError(StoreError):
    """An object is not the version that was opened."""

    label = "ChangedError"
