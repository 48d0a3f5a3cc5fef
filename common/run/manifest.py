"""The manifest of a run: `run.json`, and one `parts/<part id>.json` for each part; all written once."""

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from common.errors import FleetError
from common.run.bundle import read_objects
from common.run.part import Fingerprint
from common.settings import SamplingSettings
from common.store import Store

RUN_KEY = "run.json"
PARTS = "parts"
SHARDS = "shards"
FAILED = "failed"
STAGED = "staged"
INPUT = "input"
ROW_DIGITS = 12
MAX_ROWS = 10**10
MAX_BATCHES = 10**6
"""Of one part: what every command can count through, whoever wrote the manifest."""

SLUG_LENGTH = 24

PartId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> bytes:
        return (self.model_dump_json(indent=1) + "\n").encode()


R = TypeVar("R", bound=_Record)


class ModelRef(_Record):
    """A model: name and revision."""

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
        """The first difference to `other` that would change the data set, as a sentence."""
        ours, theirs = (_flat(run.model_dump(mode="json", exclude={"version"})) for run in (self, other))
        for name in ours:
            if ours[name] != theirs[name]:
                return f"{name} is {ours[name]!r} in the run and {theirs[name]!r} here"
        return None


class Part(_Record):
    """One planned input file."""

    id: PartId
    address: str
    rows: Annotated[int, Field(gt=0, le=MAX_ROWS)]
    size: int
    etag: str | None = None
    staged: Fingerprint | None = None  # of its copy in the run, if any

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint(self.size, self.etag)

    def as_read(self, run: str) -> "Part":
        """The part for a worker: itself, or its copy in the run at the URI `run`."""
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
        """The batch that begins at `first_row`, or None if none does."""
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
    """Stable id from part and first row, never from a counter."""
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
    """The manifest of the run in `store`, or None if there is none."""
    return _read(Run, store, RUN_KEY)


def read_part(store: Store, part: str) -> Part | None:
    """The plan of one part, or None if it is not in the run."""
    return _read(Part, store, part_key(part))


def read_parts(store: Store, known: Collection[str] = ()) -> list[Part]:
    """Every part of the run but those of the ids `known`, by id.

    Raises:
        FleetError: the plan of a part is damaged.
        StoreError: the store cannot be reached.
    """
    return sorted(stream_parts(store, known), key=lambda part: part.id)


def stream_parts(store: Store, known: Collection[str] = ()) -> Iterator[Part]:
    """`read_parts` in no order, for those who keep little of each: 58,500 parts weigh 90 MB."""
    for key, body in read_objects(store, PARTS, {part_key(part) for part in known}):
        yield _parse(Part, body, f"{store.uri}/{key}")


def _read(kind: type[R], store: Store, key: str) -> R | None:
    body = store.read(key)
    return None if body is None else _parse(kind, body, f"{store.uri}/{key}")


def _parse(kind: type[R], body: bytes, where: str) -> R:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise FleetError(f"{where}: not a manifest of ours ({field}: {first['msg']})") from error


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
