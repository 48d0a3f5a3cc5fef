"""What can be wrong with a model folder."""

from pathlib import Path

from common.errors import FleetError


class ModelFolderError(FleetError):
    """A model folder lacks a file or holds another architecture; one line says what was expected."""

    def __init__(self, folder: Path, problem: str, expected: str) -> None:
        super().__init__(f"{folder}: {problem}; expected {expected}")
