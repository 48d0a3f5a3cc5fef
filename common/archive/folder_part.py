"""The images of a folder, by its index."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from common.archive.held import Held
from common.archive.img2dataset import KEY, to_key
from common.errors import FleetError, StoreError
from common.parallel import ordered_map
from common.run.parquet import open_parquet
from common.run.part import AbsentPartError, PartError
from common.run.planned_part import Part
from common.run.whole_part import read_whole_part
from common.settings import S3Settings

PATH = "path"
"""Column of an index: the image's name below the folder."""

REQUESTS = 16
"""Files read at once where each takes a request's time."""


def read_paths(part: Part, ranges: Iterable[range], s3: S3Settings) -> dict[int, str]:
    """The addresses of some row ranges of an index, or of a list of keys.

    Raises:
        PartError: the index changed or is damaged, or a path leads out of its folder.
        StoreError: the place where it lies cannot be reached.
    """
    column, suffix = (PATH, "") if part.suffix is None else (KEY, part.suffix)
    paths: dict[int, str] = {}
    with open_parquet(part, s3) as reader:
        for rows in ranges:
            pieces = reader.pieces(rows.start, len(rows), [column])
            names = (to_key(name) for piece in pieces for name in piece.column(0).to_pylist())
            paths |= {
                row: _below(part, name and f"{name}{suffix}") for row, name in enumerate(names, rows.start)
            }
    return paths


def read_files(part: Part, paths: Mapping[int, str], max_bytes: int, s3: S3Settings) -> Iterator[Held]:
    """The bytes of files; none of those that are gone, or larger than `max_bytes`.

    Raises:
        StoreError: the place where they lie cannot be reached.
    """
    read = partial(_read_file, part, max_bytes, s3)
    yield from ordered_map(read, paths.items(), REQUESTS) if _is_far(part) else map(read, paths.items())


def _read_file(part: Part, max_bytes: int, s3: S3Settings, row: tuple[int, str]) -> Held:
    number, address = row
    try:
        size, body = read_whole_part(address, s3, max_bytes)
    except (AbsentPartError, StoreError) as error:
        if not _is_gone(error, part):
            raise
        return Held(number, None)
    return Held(number, body, size)


def _is_far(part: Part) -> bool:
    return "://" in (part.folder or "")


def _is_gone(error: FleetError, part: Part) -> bool:
    """Whether a file is no longer in its folder, which this machine sees."""
    missing = isinstance(error.__cause__, FileNotFoundError) and Path(part.folder or "").is_dir()
    return isinstance(error, AbsentPartError) or missing


def _below(part: Part, name: str | None) -> str:
    steps = (name or "").split("/")
    if part.folder is None or not name or {"", ".", ".."} & set(steps):
        raise PartError(f"{part.address}: an index that leads to {name!r}; enqueue the folder into a new run")
    return f"{part.folder.rstrip('/')}/{name}"
