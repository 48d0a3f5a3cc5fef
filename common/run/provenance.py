"""The provenance of a shard, under `fleet` in its parquet metadata."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.console.words import quote
from common.run.manifest import ModelRef, Models, Run

KEY = b"fleet"


class ShardModel(BaseModel):
    """One model as a worker loaded it."""

    model_config = ConfigDict(frozen=True)

    name: str
    revision: str
    dtype: str = "unknown"


class Provenance(BaseModel):
    """Run, batch, settings and version of one shard; fields of newer writers are ignored."""

    model_config = ConfigDict(frozen=True)

    run: str = ""
    batch: str = ""
    models: dict[str, ShardModel] = Field(default_factory=dict)
    sampling: dict[str, Any] = Field(default_factory=dict)
    repairer: ShardModel | None = None
    thresholds: dict[str, Any] | None = None  # None in shards of version 0.1
    signs: list[str] | None = None
    signs_table: int | None = None  # version of the table of signs
    lists: dict[str, str] = Field(default_factory=dict)  # SHA-256 of each list of rows to leave out
    version: str = ""


def read_provenance(metadata: Mapping[bytes, bytes] | None) -> Provenance:
    """The provenance in a file's metadata; an empty one where there is none.

    Raises:
        ValueError: there is one that cannot be read.
    """
    try:
        return Provenance.model_validate_json((metadata or {}).get(KEY, b"{}"))
    except ValidationError as error:
        raise ValueError(f"unreadable provenance: {error.errors()[0]['msg']}") from error


def difference(found: Provenance, run: Run) -> str | None:
    """Where a shard was made otherwise than its run says, as a sentence."""
    models = ((role, found.models.get(role), getattr(run.models, role)) for role in Models.model_fields)
    return (
        next(filter(None, (_other_model(*one) for one in models if one[1] is not None)), None)
        or _other_value(found.sampling, run.sampling.model_dump(mode="json"))
        or _other_rules(found, run)
    )


def _other_rules(found: Provenance, run: Run) -> str | None:
    """Shards and runs of version 0.1 do not say these."""
    if found.thresholds is None or run.unknown:
        return None
    planned = run.model_dump(mode="json", include={"thresholds", "signs"})
    return (
        _other_model("repairer", found.repairer, run.repairer)
        or _other_value(found.thresholds, planned["thresholds"])
        or _other_value({"signs": found.signs}, planned)
    )


def _other_model(role: str, made: ShardModel | None, planned: ModelRef | None) -> str | None:
    ours, theirs = (f"{one.name}@{one.revision}" if one else "none" for one in (made, planned))
    return None if ours == theirs else f"{role} {quote(ours)} instead of {theirs}"


def _other_value(made: Mapping[str, Any], planned: Mapping[str, Any]) -> str | None:
    for name, value in made.items():
        if name in planned and value != planned[name]:
            return f"{name} {quote(repr(value))} instead of {planned[name]!r}"
    return None
