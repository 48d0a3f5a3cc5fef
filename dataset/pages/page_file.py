"""Writing a local file, whole or not at all."""

import tempfile
from pathlib import Path

from common.errors import FleetError


def write_file(path: Path, text: str) -> None:
    """Replace `path` atomically.

    Raises:
        FleetError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            file = Path(folder, path.name)
            file.write_text(text, "utf-8")
            file.replace(path)
    except OSError as error:
        raise FleetError(f"{path}: {error.strerror or error}; give another --page") from error
