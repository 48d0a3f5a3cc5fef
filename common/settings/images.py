"""Settings of the way from a URL to pixels."""

from typing import Annotated

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveFloat, PositiveInt

from common.settings.fields import AUTO, CommaSeparated, Group, Networks, NumberOrAuto
from common.settings.host_budgets import HostBudgets

IN_FLIGHT = 256
"""Downloads that keep a CPU busy."""


def _require_budgets(texts: tuple[str, ...]) -> tuple[str, ...]:
    HostBudgets.of(texts, 1)
    return texts


Budgets = Annotated[tuple[str, ...], CommaSeparated, AfterValidator(_require_budgets)]


class FetchSettings(Group):
    """Downloads from untrusted addresses; times are in seconds, sizes in bytes."""

    concurrency: NumberOrAuto = Field(
        AUTO,
        description="downloads in flight per process; auto is 2048 for a GPU, 256 without, fewer where file"
        " descriptors are",
    )
    per_host: PositiveInt = Field(4, description="downloads in flight per host, by the whole fleet")
    host_budgets: Budgets = Field(
        (), description="the same for single hosts: `i.pinimg.com=32,*.example.net=16`"
    )
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
    opt_out: bool = Field(True, description="false is the old name of an empty `FLEET_MANNERS_SIGNS`")

    @property
    def in_flight(self) -> int:
        """The bound on downloads; `auto` that nobody has replaced by then is for a process without a GPU."""
        return IN_FLIGHT if self.concurrency == AUTO else self.concurrency


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
