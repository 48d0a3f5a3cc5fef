"""Errors with a one-line message for the user."""


class FleetError(Exception):
    """Bad input or infrastructure; the message says what, where and what to do."""


class StoreError(FleetError):
    """The output or a part cannot be read or written: an infrastructure failure, never a row's."""


class RefusedError(StoreError):
    """A store or the Hub answered, and would not: credentials, rights, or an address that it hides.

    Proves nothing about the object: it may be there for others.
    """


class ChangedError(StoreError):
    """An object is not the version that was opened."""
