"""The walk through local folders that a pattern asks for, and no further."""

import os
from pathlib import Path

from common.run.part import PartError
from producer.pattern import States
from producer.selection import Selection


def walk(selection: Selection) -> None:
    """Offer `selection` every file below its pattern's root; links are followed, never in a circle.

    Raises:
        PartError: a folder cannot be read.
    """
    root = selection.pattern.root or "/"
    if Path(root).is_dir():
        _walk(root, selection, selection.pattern.start, ())


def _walk(folder: str, selection: Selection, states: States, above: tuple[str, ...]) -> None:
    here = os.path.realpath(folder)
    if here in above:
        return
    for name, path, is_folder in _entries(folder):
        if not is_folder:
            selection.add(states, name, path)
        elif within := selection.enter(states, name, path):
            _walk(path, selection, within, (*above, here))


def _entries(folder: str) -> list[tuple[str, str, bool]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry.name, f"{folder.rstrip('/')}/{entry.name}", entry.is_dir()) for entry in entries
            )
    except OSError as error:
        raise PartError(
            f"{folder}: {error.strerror}; name the parts themselves, or make it readable"
        ) from error
