"""Failures of a run's own: exit code 1, where wrong use is 2."""

from common.errors import FleetError


class BadRunError(FleetError):
    """Something that a run should hold is missing, dead or bad."""
