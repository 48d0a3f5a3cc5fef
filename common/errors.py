"""Errors with a one-line message for the user."""


class FleetError(Exception):
    """Bad input or infrastructure; the message says what, where and what to do."""


class StoreError(FleetError):
    """The output or a part cannot be read or written: an infrastructure failure, never a row's."""
