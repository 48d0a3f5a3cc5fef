"""What a run is: `run.json`, and one `parts/<part id>.json` for each part; all written once."""

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from common.errors import FleetError
from common.run.part import Fingerprint
from common.settings import SamplingSettings
from common.store import Store

RUN_KEY = "run.json"
PARTS = "parts"
SHARDS = "shards"
FAILED = "failed"
STAGED = "staged"
ROW_DIGITS = 12
MAX_ROWS = 10**10
MAX_BATCHES = 10**6
"""Of one part: what every command can count through, whoever wrote the manifest."""

SLUG_LENGTH = 24
READERS = 16

PartId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> bytes:
        return (self.model_dump_json(indent=1) + "\n").encode()


R = TypeVar("R", bound=_Record)


class ModelRef(_Record):
    """A model by name, and the revision that tells its versions apart."""

    name: str
    revision: str


class Models(_Record):
    """The three models of the cascade."""

    captioner: ModelRef
    ranker: ModelRef
    selector: ModelRef


class Run(_Record):
    """The settings that every shard of a run shares."""

    format: Literal[1] = 1
    version: str
    batch_rows: PositiveInt
    models: Models
    sampling: SamplingSettings

    def difference(self, other: "Run") -> str | None:
        """The first setting in which `other` would give another data set, as a sentence."""
        ours, theirs = (_flat(run.model_dump(mode="json", exclude={"version"})) for run in (self, other))
        for name in ours:
            if ours[name] != theirs[name]:
                return f"{name} is {ours[name]!r} in the run and {theirs[name]!r} here"
        return None


class Part(_Record):
    """One input file as it was planned."""

    id: PartId
    address: str
    rows: Annotated[int, Field(gt=0, le=MAX_ROWS)]
    size: int
    etag: str | None = None
    staged: Fingerprint | None = None  # of its copy in the run, where there is one

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint(self.size, self.etag)

    def as_read(self, run: str) -> "Part":
        """What workers read: the part itself, or its copy in the run at the URI `run`."""
        if self.staged is None:
            return self
        address = f"{run}/{staged_key(self.id)}"
        return self.model_copy(
            update={"address": address, "size": self.staged.size, "etag": self.staged.etag}
        )

    def batches(self, batch_rows: int) -> Iterator["Batch"]:
        """The part cut into row ranges; the last may be shorter.

        Raises:
            FleetError: there are more than `MAX_BATCHES`.
        """
        count = -(-self.rows // batch_rows)
        if count > MAX_BATCHES:
            raise FleetError(
                f"{self.address}: {count} batches of {batch_rows} rows, more than {MAX_BATCHES} a part;"
                " start a run with a larger --batch-rows"
            )
        for first in range(0, self.rows, batch_rows):
            yield self._batch(first, batch_rows)

    def batch_at(self, first_row: int, batch_rows: int) -> "Batch | None":
        """The batch that begins at `first_row`, or None where none does."""
        starts_one = first_row % batch_rows == 0 and 0 <= first_row < self.rows
        return self._batch(first_row, batch_rows) if starts_one else None

    def _batch(self, first_row: int, batch_rows: int) -> "Batch":
        return Batch(self.id, first_row, min(batch_rows, self.rows - first_row))


@dataclass(frozen=True, slots=True)
class Batch:
    """A row range of a part: the unit of queueing, and of the output."""

    part: str
    first_row: int
    rows: int

    @property
    def id(self) -> str:
        return batch_id(self.part, self.first_row)

    @property
    def shard_key(self) -> str:
        return f"{SHARDS}/{self.id}.parquet"


def batch_id(part: str, first_row: int) -> str:
    """Derived from part and row range, never from a counter, so that it never shifts."""
    return f"{part}/{first_row:0{ROW_DIGITS}d}"


def part_id(address: str) -> str:
    """A readable name made unique by a hash of the whole address.

    Two parts of the same file name in different folders never collide.
    """
    stem = PurePosixPath(address).name.removesuffix(".parquet")
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:SLUG_LENGTH] or "part"
    return f"{slug}-{hashlib.sha256(address.encode()).hexdigest()[:10]}"


def part_key(part: str) -> str:
    return f"{PARTS}/{part}.json"


def staged_key(part: str) -> str:
    return f"{STAGED}/{part}.parquet"


def read_run(store: Store) -> Run | None:
    """The manifest of the run in `store`, or None where there is none."""
    return _parse(Run, store, RUN_KEY)


def read_part(store: Store, part: str) -> Part | None:
    """The plan of one part, or None where it is not in the run."""
    return _parse(Part, store, part_key(part))


def read_parts(store: Store) -> list[Part]:
    """Every part of the run, by id."""
    keys = sorted(entry.key for entry in store.list(PARTS))
    with ThreadPoolExecutor(READERS) as pool:
        parts = list(pool.map(lambda key: _parse(Part, store, key), keys))
    return [part for part in parts if part is not None]


def _parse(kind: type[R], store: Store, key: str) -> R | None:
    body = store.read(key)
    if body is None:
        return None
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise FleetError(f"{store.uri}/{key}: not a manifest of ours ({where}: {first['msg']})") from error


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
