"""Failures of a batch before its rows are read."""

from common.errors import FleetError


class ForeignMessageError(FleetError):
    """A message that this worker must not run: it belongs to no batch of a run that it serves."""

    label = "ForeignMessageError"


class WrongSettingsError(FleetError):
    """This worker's models or sampling settings are not the run's."""

    label = "WrongSettingsError"
