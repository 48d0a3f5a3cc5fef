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
    """Run, batch, models, sampling and version of one shard; fields of newer writers are ignored."""

    model_config = ConfigDict(frozen=True)

    run: str = ""
    batch: str = ""
    models: dict[str, ShardModel] = Field(default_factory=dict)
    sampling: dict[str, Any] = Field(default_factory=dict)
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
    for role in Models.model_fields:
        planned: ModelRef = getattr(run.models, role)
        model = found.models.get(role)
        if model is not None and (model.name, model.revision) != (planned.name, planned.revision):
            made = quote(f"{model.name}@{model.revision}")
            return f"{role} {made} instead of {planned.name}@{planned.revision}"
    sampling = run.sampling.model_dump(mode="json")
    for name, value in found.sampling.items():
        if name in sampling and value != sampling[name]:
            return f"{name} {quote(repr(value))} instead of {sampling[name]!r}"
    return None
