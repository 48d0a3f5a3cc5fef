"""Every setting of the fleet: environment variables with the prefix `FLEET_`, one typed tree."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.settings.fields import AUTO, CommaSeparated, EmptyIsNone, Home, NumberOrAuto
from common.settings.filters import FilterSettings
from common.settings.images import DecodeSettings, FetchSettings
from common.settings.manners import MannersSettings, honoured_signs
from common.settings.operation import HealthSettings, LeaseSettings, MetricsSettings, S3Settings
from common.settings.presets import PRESETS
from common.settings.sampling import SamplingSettings
from common.signs import Honoured

PREFIX = "FLEET_"

PASS_SIZE = 8
"""Images that share a pass on a CPU, where more would bring nothing."""


class Settings(BaseSettings):
    """Broker, output and models; in the code `FLEET_FETCH_TIMEOUT` is `settings.fetch.timeout`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        enable_decoding=False,
        env_ignore_empty=False,
        frozen=True,
    )

    broker_url: str = Field(
        "redis://localhost:6379/0", description="the Redis or Valkey that holds the queue"
    )
    output: Annotated[str | None, EmptyIsNone, Home] = Field(
        None, description="default of every --output; the only place a worker serves"
    )
    parts_allow: Annotated[tuple[str, ...], CommaSeparated] = Field(
        (),
        description="where a worker reads parts from: folders, s3://bucket/prefix, hf://datasets/owner/name;"
        " empty allows all: a writer of a run's manifest then reads with the worker's rights",
    )
    models: str = Field("laion-coco", description=f"preset of the three models: {', '.join(PRESETS)}")
    captioner: Annotated[str, Home] = Field(
        "", description="overrides the preset: hub id, hub-id@revision or local folder"
    )
    ranker: Annotated[str, Home] = Field("", description="overrides the preset's ranker")
    selector: Annotated[str, Home] = Field("", description="overrides the preset's selector")
    models_lock: Annotated[str | None, EmptyIsNone, Home] = Field(
        None,
        description="checksums that python -m workers.models.prefetch wrote; other models are refused",
    )
    worker_processes: NumberOrAuto = Field(
        AUTO, description="processes per worker, each with its own models; auto is 1 without a GPU"
    )
    micro_batch: NumberOrAuto = Field(
        AUTO, description="images per pass of the cascade; auto is as many as the GPU holds, 8 without one"
    )
    device: str = Field("auto", description="torch device; auto is the first GPU, else the CPU")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="of the models' weights; auto is bfloat16 on a GPU (float16 for CLIPs published in it"
        " and on cards without bfloat16), float32 on a CPU",
    )
    float8: bool = Field(
        False,
        description="8-bit products in the image towers of captioner and ranker: a fifth less time for some"
        " exactness, on cards of capability 8.9 and later",
    )
    repairer: Annotated[str, Home] = Field(
        "", description="text-to-text model that rewrites top captions; empty leaves them as they are"
    )
    sampling: SamplingSettings = Field(default_factory=SamplingSettings)
    fetch: FetchSettings = Field(default_factory=FetchSettings)
    manners: MannersSettings = Field(default_factory=MannersSettings)
    decode: DecodeSettings = Field(default_factory=DecodeSettings)
    filter: FilterSettings = Field(default_factory=FilterSettings)
    lease: LeaseSettings = Field(default_factory=LeaseSettings)
    s3: S3Settings = Field(default_factory=S3Settings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)

    @property
    def honoured(self) -> Honoured:
        """The signs that are honoured."""
        return honoured_signs(self.fetch, self.manners)

    @property
    def pass_size(self) -> int:
        """Images of a pass; `auto` that nobody has replaced by then is for a process without a GPU."""
        return PASS_SIZE if self.micro_batch == AUTO else self.micro_batch

    @model_validator(mode="before")
    @classmethod
    def _preset_sampling(cls, data: dict[str, Any]) -> dict[str, Any]:
        """A preset brings its own sampling settings; the operator's still win."""
        preset = PRESETS.get(data.get("models", "laion-coco"))
        if preset is None:
            raise ValueError(f"FLEET_MODELS: {data['models']!r} is not one of {', '.join(PRESETS)}")
        return {**data, "sampling": {**preset.sampling, **data.get("sampling", {})}}
