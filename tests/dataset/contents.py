"""The files of a data set, byte for byte, as a reader finds them."""

from pathlib import Path

from common.store.folder import SCRATCH


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its name; a killed process may leave unfinished ones in the scratch folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    names = {path.relative_to(folder): path for path in files}
    return {name.as_posix(): path.read_bytes() for name, path in names.items() if name.parts[0] != SCRATCH}
