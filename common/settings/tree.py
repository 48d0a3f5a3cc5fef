"""Every setting of the fleet: environment variables with the prefix `FLEET_`, one typed tree."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.settings.presets import PRESETS

PREFIX = "FLEET_"


def _split(value: object) -> object:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _expand_home(value: object) -> object:
    """No shell does it for variables that an env file holds."""
    if not isinstance(value, str) or not value.startswith("~"):
        return value
    try:
        return str(Path(value).expanduser())
    except RuntimeError as error:
        raise ValueError(f"{value}: there is no such home folder; write the path without ~") from error


EmptyIsNone = BeforeValidator(_empty_is_none)
Home = BeforeValidator(_expand_home)
CommaSeparated = BeforeValidator(_split)
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], CommaSeparated]
Lengths = Annotated[tuple[PositiveInt, ...], CommaSeparated, Field(min_length=1)]
Probability = Annotated[float, Field(gt=0, le=1)]


class Group(BaseModel):
    """A branch of the settings tree: closed, so that a misspelt variable is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SamplingSettings(Group):
    """How captions are drawn and chosen; lengths are in tokens.

    The defaults are those of the original LAION-COCO script.
    """

    lanes: PositiveInt = Field(40, description="captions sampled for each image")
    shortlist: PositiveInt = Field(5, description="captions that the ranker hands to the selector")
    prompt: str = Field("a picture of ", description="what every caption continues; removed from the result")
    top_k: NonNegativeInt = Field(9607, description="draw among this many tokens; 0 is all of them")
    top_p: Probability = Field(
        0.2427, description="draw among the likeliest tokens of this total probability"
    )
    temperature: PositiveFloat = Field(1.0, description="divides the logits before top-k and top-p")
    repetition_penalty: PositiveFloat = Field(1.3, description="against tokens so far, prompt included")
    min_tokens: NonNegativeInt = Field(5, description="the end token cannot be drawn before this many tokens")
    max_tokens: Lengths = Field(
        (20, 30, 30, 45, 45), description="longest captions in new tokens; the lanes are dealt out evenly"
    )
    end_probability: Annotated[Probability | None, EmptyIsNone] = Field(
        0.1794, description="a lane ends at once where the model's own end probability exceeds this"
    )
    seed: NonNegativeInt = Field(0, description="the same seed, part and row give the same captions")


class FetchSettings(Group):
    """How images are downloaded from addresses that strangers chose; times are in seconds, sizes in bytes."""

    concurrency: PositiveInt = Field(256, description="downloads in flight per worker")
    per_host: PositiveInt = Field(4, description="downloads in flight per host")
    timeout: PositiveFloat = Field(10.0, description="seconds for one URL, redirects and all")
    connect_timeout: PositiveFloat = Field(3.0, description="seconds for one connection")
    read_timeout: PositiveFloat = Field(5.0, description="seconds without a byte")
    batch_timeout: PositiveFloat = Field(
        600.0,
        description="seconds in all that the models may wait for a batch's images; the rest is a timeout",
    )
    max_bytes: PositiveInt = Field(20_000_000, description="longest body")
    max_pixels: PositiveInt = Field(50_000_000, description="largest picture, width times height")
    max_redirects: NonNegativeInt = Field(3, description="hops followed")
    retries: NonNegativeInt = Field(1, description="further tries where they may help, within the timeout")
    allow_networks: Networks = Field(
        (), description="private networks (CIDR) opened to the fetcher, any port, for a demo or an intranet"
    )
    canary: str = Field(
        "example.com", description="a name that always resolves: where it does not, the network is to blame"
    )
    contact: str = Field(
        "", pattern=r"^[ -~]*$", description="address or page in the User-Agent, so that a site can reach you"
    )
    opt_out: bool = Field(True, description="honour X-Robots-Tag and tdm-reservation")


class DecodeSettings(Group):
    """How bytes become pixels."""

    profiles: bool = Field(
        True, description="convert colours to sRGB by the image's profile, as browsers do; false ignores it"
    )
    seconds: PositiveFloat = Field(10.0, description="CPU time of one image, in seconds; then it is too slow")
    batch_seconds: PositiveFloat = Field(
        600.0,
        description="seconds that slow images of a batch may take, 0.25 each not counted; then too slow",
    )


class LeaseSettings(Group):
    """How long a worker owns a batch, and how it gives one back; times are in seconds."""

    visibility_timeout: PositiveInt = Field(
        180, description="a batch whose worker fell silent for this long is handed to another"
    )
    sweep: PositiveInt = Field(30, description="how often a worker looks for such batches")
    grace: PositiveInt = Field(20, description="from SIGTERM until a running batch is put back")
    beat: PositiveFloat = Field(5.0, description="how often a worker shows how far it is")
    time_limit: PositiveInt = Field(7200, description="longest run of one batch before its process is killed")

    max_crashed: PositiveInt = Field(4, description="a batch that crashed its process this often is dead")
    max_vanished: PositiveInt = Field(12, description="a batch whose worker vanished this often is dead")

    @property
    def renewal(self) -> float:
        """Seconds between two renewals: one long call that holds the interpreter must not lose the lease."""
        return self.visibility_timeout / 9


class FilterSettings(Group):
    """Rows that are left out before anything is downloaded; a row without the column passes."""

    deny: Annotated[tuple[str, ...], CommaSeparated] = Field(
        (),
        description="hosts (with their subdomains), addresses, patterns (*://host/private/*), SHA-256s",
    )
    deny_file: Annotated[str | None, EmptyIsNone, Home] = Field(
        None,
        description="a file of the same, one a line; # begins a comment; docs/dataset.md has the grammar",
    )
    max_punsafe: Annotated[float | None, EmptyIsNone] = Field(None, description="highest punsafe")
    max_pwatermark: Annotated[float | None, EmptyIsNone] = Field(None, description="highest pwatermark")
    min_width: Annotated[int | None, EmptyIsNone] = Field(None, description="smallest WIDTH in pixels")
    min_height: Annotated[int | None, EmptyIsNone] = Field(None, description="smallest HEIGHT in pixels")
    min_similarity: Annotated[float | None, EmptyIsNone] = Field(
        None, description="lowest similarity of picture and original text"
    )


class S3Settings(Group):
    """Where S3 is; credentials come the way boto3 finds them, such as `AWS_ACCESS_KEY_ID`."""

    endpoint_url: Annotated[str | None, EmptyIsNone] = Field(None, description="for S3-compatible servers")
    checksum: Literal["sha256", "crc32", "none"] = Field(
        "sha256", description="sent with each object; none for servers that refuse checksums"
    )


class MetricsSettings(Group):
    """Where Prometheus scrapes; docs/metrics.md lists the metrics."""

    port: Annotated[int, Field(ge=0, le=65535)] = Field(0, description="port of /metrics; 0 is off")
    address: str = Field("127.0.0.1", description="address that it listens on; 0.0.0.0 in a pod")


class HealthSettings(Group):
    """What probes look at: files, so that a probe costs nothing and needs no broker; times are in seconds."""

    folder: Annotated[str | None, EmptyIsNone, Home] = Field(
        None, description="folder for the files alive (touched while work moves) and ready (models loaded)"
    )
    beat: PositiveFloat = Field(5.0, description="seconds between two looks")
    patience: PositiveFloat = Field(
        600.0, description="seconds that a running batch may go without a row done before the worker is stuck"
    )


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
    worker_processes: PositiveInt = Field(1, description="processes per worker, each with its own models")
    micro_batch: PositiveInt = Field(8, description="images per pass of the cascade")
    device: str = Field("auto", description="torch device; auto is the first GPU, else the CPU")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="of the models' weights; auto is bfloat16 where it pays, else float32"
    )
    repairer: Annotated[str, Home] = Field(
        "", description="text-to-text model that rewrites top captions; empty leaves them as they are"
    )
    sampling: SamplingSettings = Field(default_factory=SamplingSettings)
    fetch: FetchSettings = Field(default_factory=FetchSettings)
    decode: DecodeSettings = Field(default_factory=DecodeSettings)
    filter: FilterSettings = Field(default_factory=FilterSettings)
    lease: LeaseSettings = Field(default_factory=LeaseSettings)
    s3: S3Settings = Field(default_factory=S3Settings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)

    @model_validator(mode="before")
    @classmethod
    def _preset_sampling(cls, data: dict[str, Any]) -> dict[str, Any]:
        """A preset brings its own sampling settings; what the operator set still wins."""
        preset = PRESETS.get(data.get("models", "laion-coco"))
        if preset is None:
            raise ValueError(f"FLEET_MODELS: {data['models']!r} is not one of {', '.join(PRESETS)}")
        return {**data, "sampling": {**preset.sampling, **data.get("sampling", {})}}
