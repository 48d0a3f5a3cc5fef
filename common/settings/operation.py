"""Settings of a worker in operation: its lease, its health, its metrics, and its store."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from common.settings.fields import EmptyIsNone, Group, Home


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
    max_returned: PositiveInt = Field(
        20,
        description="a message put back this often by workers that had just ended another batch well is set"
        " aside; 50 returns by others count as one",
    )
    max_vanished: PositiveInt = Field(12, description="a batch whose worker vanished this often is dead")

    @property
    def renewal(self) -> float:
        """Seconds between two renewals: one long call that holds the interpreter must not lose the lease."""
        return self.visibility_timeout / 9


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
    """Files for probes, which then cost nothing and need no broker; times are in seconds."""

    folder: Annotated[str | None, EmptyIsNone, Home] = Field(
        None, description="folder for the files alive (touched while work moves) and ready (models loaded)"
    )
    beat: PositiveFloat = Field(5.0, description="seconds between two looks")
    patience: PositiveFloat = Field(
        600.0, description="seconds that a running batch may go without a row done before the worker is stuck"
    )
