"""Settings of the crawler's manners towards the sites of the images."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from common.settings.fields import CommaSeparated, EmptyIsNone, Group, Home
from common.settings.images import FetchSettings
from common.signs import ALL, Honoured


def _require_signs(names: tuple[str, ...]) -> tuple[str, ...]:
    Honoured(names)
    return names


Names = Annotated[tuple[str, ...], CommaSeparated]
Signs = Annotated[Names, AfterValidator(_require_signs)]


class MannersSettings(Group):
    """What is owed to the sites that images come from; docs/manners.md lists the signs."""

    url: Annotated[str | None, EmptyIsNone] = Field(
        None, description="a second Redis or Valkey, for budgets of hosts and robots.txt; else the broker"
    )
    signs: Signs = Field(
        (ALL,),
        description="signs that are honoured: `all`, names, and behind a `-` names of those that are not",
    )
    growth: bool = Field(
        False,
        description="let the budget of a host grow to 16 while it answers quickly and without complaint;"
        " budgets of `FLEET_FETCH_HOST_BUDGETS` stay",
    )
    kin: Names = Field(
        ("img2dataset", "LAIONDownloader", "laion-huggingface-processor"),
        description="agents of our purpose: where a robots.txt names one and not us, its rules are ours",
    )
    key: Annotated[str | None, EmptyIsNone, Home] = Field(
        None,
        description="a file with an Ed25519 private key (PEM): requests are signed with it (Web Bot Auth)",
    )
    agent: Annotated[str | None, EmptyIsNone] = Field(
        None,
        pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]+)?$",
        description="the site that publishes its public key, as `https://example.org`",
    )
    strict_tdm: bool = Field(
        False, description="a reservation in tdmrep.json stays, though the image's own header lifts it"
    )

    @model_validator(mode="after")
    def _require_both(self) -> Self:
        if (self.key is None) != (self.agent is None):
            raise ValueError("FLEET_MANNERS_KEY and FLEET_MANNERS_AGENT are set together, or not at all")
        return self


def honoured_signs(fetch: FetchSettings, manners: MannersSettings) -> Honoured:
    """The signs that are honoured; FLEET_FETCH_OPT_OUT=false is the old name of none."""
    return Honoured(manners.signs if fetch.opt_out else ())
