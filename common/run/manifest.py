"""The manifest of a run: `run.json`, and one `parts/<part id>.json` for each part; all written once."""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from common.errors import FleetError
from common.run.batch import MAX_BATCH_ROWS
from common.run.bundle import OBJECT_BYTES, read_objects
from common.run.layout import PARTS, RUN_KEY, part_key
from common.run.planned_part import Part
from common.run.record import Record
from common.run.thresholds import Thresholds
from common.settings import SamplingSettings
from common.store import OversizeError, Store

R = TypeVar("R", bound=Record)


class ManifestError(FleetError):
    """What lies in a manifest's place is none of ours."""

    label = "ManifestError"


class ModelRef(Record):
    """A model: name and revision."""

    name: str
    revision: str


class Models(Record):
    """The three models of the cascade."""

    captioner: ModelRef
    ranker: ModelRef
    selector: ModelRef


class Run(Record):
    """The settings that every shard of a run shares."""

    format: Literal[1] = 1
    version: str
    batch_rows: Annotated[int, Field(gt=0, le=MAX_BATCH_ROWS)]
    models: Models
    sampling: SamplingSettings
    repairer: ModelRef | None = None
    thresholds: Thresholds | None = None
    signs: tuple[str, ...] | None = None
    """Opt-out signs that are honoured."""

    @property
    def unknown(self) -> set[str]:
        """Fields that the manifest leaves open: version 0.1 wrote none of these."""
        return {"repairer", "thresholds", "signs"} if self.thresholds is None else set()

    def difference(self, other: "Run") -> str | None:
        """The first difference to `other` that would change the data set, as a sentence."""
        ignored = {"version"} | self.unknown | other.unknown
        ours, theirs = (_flat(run.model_dump(mode="json", exclude=ignored)) for run in (self, other))
        for name in ours | theirs:
            if ours.get(name) != theirs.get(name):
                return f"{name} is {ours.get(name)!r} in the run and {theirs.get(name)!r} here"
        return None


def read_run(store: Store) -> Run | None:
    """The manifest of the run in `store`, or None if there is none.

    Raises:
        ManifestError: it is damaged, or something else.
        StoreError: the store cannot be reached.
    """
    return _read(Run, store, RUN_KEY)


def read_part(store: Store, part: str) -> Part | None:
    """The plan of one part, or None if it is not in the run.

    Raises:
        ManifestError: it is damaged, or something else.
        StoreError: the store cannot be reached.
    """
    found = _read(Part, store, part_key(part))
    return found and _require_own_name(found, part_key(part), store)


def read_parts(store: Store, known: Collection[str] = ()) -> list[Part]:
    """Every part of the run but those of the ids `known`, by id.

    Raises:
        ManifestError: the plan of a part is damaged.
        StoreError: the store cannot be reached.
    """
    return sorted(stream_parts(store, known), key=lambda part: part.id)


def stream_parts(store: Store, known: Collection[str] = (), *, bundle_loose: bool = False) -> Iterator[Part]:
    """`read_parts` in no order and one at a time: 58,500 parts weigh 90 MB.

    With `bundle_loose` those that were read one by one are bundled for the next reader.
    """
    keys = {part_key(part) for part in known}
    for key, body in read_objects(store, PARTS, keys, bundle_loose=bundle_loose):
        yield parse_part(store, key, body)


def parse_part(store: Store, key: str, body: bytes) -> Part:
    """The plan of a part under its key; raises ManifestError where it is damaged, or of another name."""
    return _require_own_name(_parse(Part, body, f"{store.uri}/{key}"), key, store)


def _read(kind: type[R], store: Store, key: str) -> R | None:
    try:
        body = store.read(key, OBJECT_BYTES)
    except OversizeError as error:
        raise ManifestError(str(error)) from error
    return None if body is None else _parse(kind, body, f"{store.uri}/{key}")


def _require_own_name(part: Part, key: str, store: Store) -> Part:
    """Else one part's batches would be written as another's."""
    if part_key(part.id) != key:
        raise ManifestError(f"{store.uri}/{key}: the plan of another part ({part.id}); move it away")
    return part


def _parse(kind: type[R], body: bytes, where: str) -> R:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise ManifestError(f"{where}: not a manifest of ours ({field}: {first['msg']})") from error


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
