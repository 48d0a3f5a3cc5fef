"""The places that a worker reads parts from: `FLEET_PARTS_ALLOW` binds the writers of manifests."""

import os
import re
from collections.abc import Collection, Iterator
from urllib.parse import unquote

from common.run.layout import INPUT, STAGED
from common.run.part_places import HUB, allowed_places
from common.run.planned_part import Part
from common.store import is_s3, is_under
from workers.batch.errors import ForeignMessageError

REPOSITORY = re.compile(r"hf://((datasets|spaces|models)/)?[^/]+/[^/]+")
"""Behind its name an @ begins a revision; further on it is part of a file's name."""


def require_allowed(part: Part, run: str, prefixes: Collection[str]) -> None:
    """Check every place that a part names; the copies that the run itself holds are allowed.

    Args:
        part: as it is read.
        run: URI of its run.
        prefixes: of the settings; an empty collection allows all.

    Raises:
        ForeignMessageError: it lies elsewhere, also behind a link.
    """
    if not prefixes:
        return
    places = allowed_places(prefixes)
    for address in _addresses(part):
        if not _is_held(address, run) and not any(_is_in(address, place) for place in places):
            raise ForeignMessageError(f"{run}: part {part.id} lies outside FLEET_PARTS_ALLOW ({address})")


def _addresses(part: Part) -> Iterator[str]:
    yield part.address
    if part.beside is not None:
        yield part.beside.address
    if part.folder is not None:
        yield part.folder


def _is_held(address: str, run: str) -> bool:
    """Whether the run itself holds it, and no link below the run leads elsewhere."""
    if not any(is_under(address, f"{run}/{folder}") for folder in (INPUT, STAGED)):
        return False
    return is_s3(run) or os.path.realpath(address) == os.path.realpath(run) + address.removeprefix(run)


def _is_in(address: str, place: str) -> bool:
    if HUB in {address[: len(HUB)], place[: len(HUB)]}:
        return _is_in_repository(address, place)
    if is_s3(address) or is_s3(place):
        return is_under(address, place)
    return is_under(address, place) and is_under(os.path.realpath(address), os.path.realpath(place))


def _is_in_repository(address: str, place: str) -> bool:
    """Whether the Hub's address lies below the prefix; the Hub undoes the escapes of a revision."""
    ends = ("/", "@") if REPOSITORY.fullmatch(place) else ("/",)
    steps = re.split("[/@]", unquote(address))
    return address.startswith(tuple(place + end for end in ends)) and not {".", ".."} & set(steps)
