"""The interface of a store: a folder or an S3 prefix."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from common.errors import FleetError

RECORD_BYTES = 64 << 20
"""The longest record that a run or a data set keeps of itself."""


class OversizeError(FleetError):
    """An object is longer than anything that lies there by rights."""

    label = "OversizeError"

    def __init__(self, uri: str, key: str, most: int) -> None:
        super().__init__(f"{uri}/{key}: more than {most:,} bytes; not of ours, move it away")


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a listing: its key relative to the store, its size in bytes, and when it was written."""

    key: str
    size: int
    modified: datetime | None = None


class Store(Protocol):
    """Objects under one URI. Every method raises `StoreError` when the store itself fails."""

    uri: str

    def create(self, key: str, body: bytes) -> bool:
        """Write `key` unless it exists; False if it does.

        The object appears whole or not at all, and at most one writer ever wins.
        """
        ...

    def create_file(self, key: str, file: Path) -> bool:
        """`create` from a finished local file of up to 5 GB, for the caller to remove.

        A folder links it, so that it must lie on the folder's own disk.
        """
        ...

    def read(self, key: str, most: int = RECORD_BYTES) -> bytes | None:
        """The whole object, or None where there is none.

        Raises:
            OversizeError: it has more than `most` bytes, which nobody would read into memory.
        """
        ...

    def open(self, key: str) -> BinaryIO | None:
        """The object for random access, or None where there is none; from S3 it comes whole, so: a shard."""
        ...

    def open_ranges(self, key: str) -> BinaryIO | None:
        """The object for random access, read in pieces as they are asked for; None where there is none."""
        ...

    def exists(self, key: str) -> bool:
        """Whether `key` has been created."""
        ...

    def list(self, prefix: str, name: str = "") -> Iterator[Entry]:
        """Every object in the folder `prefix` whose path there begins with `name`, in no order."""
        ...

    def replace(self, key: str, body: bytes) -> None:
        """Write `key` whether it exists or not; a reader sees the old object or the new one, whole.

        For what a data set says of itself; nothing of a run is ever replaced.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove `key`, if it exists. Failure records and a data set's old files, never a shard."""
        ...

    def delete_all(self, keys: Sequence[str]) -> None:
        """`delete` for many, in few requests."""
        ...

    def trial(self, key: str) -> AbstractContextManager[None]:
        """Within the block `key` may be written; afterwards it is gone, with all that was made for it."""
        ...

    def check_writable(self) -> None:
        """Raise `StoreError` unless an object could be created; leaves nothing behind."""
        ...
