"""Failures that are somebody's message."""


class FleetError(Exception):
    """Bad input or surroundings: one line that says what, where and what to do."""


class StoreError(FleetError):
    """The output or a part cannot be read or written: infrastructure, never a row's fault."""
