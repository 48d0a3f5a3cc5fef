"""Parts that a run holds already, so that they need not be opened again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.run.fingerprint import Fingerprint
from common.run.planned_part import Part, part_id


@dataclass(frozen=True, slots=True)
class Memory:
    """The parts of a run, and the versions that exist now.

    Args:
        planned: parts of the run, by id.
        listed: versions that listings have just shown, by address.
        as_links: files of images are planned as lists of links.
    """

    planned: Mapping[str, Part] = field(default_factory=dict)
    listed: Mapping[str, Fingerprint] = field(default_factory=dict)
    as_links: bool = False

    def recall(self, address: str, version: Fingerprint | None = None) -> Part | None:
        """The whole part as it was planned, if its version is still the same; an etag has to say so.

        Args:
            address: of the part.
            version: that it has now; by default the listed one.
        """
        part = self.planned.get(part_id(address))
        if part is None or part.file_rows is None or (self.as_links and part.kind != "links"):
            return None
        if part.address != address or not _is_same(part.fingerprint, version or self.listed.get(address)):
            return None
        beside = part.beside
        if beside and not _is_same(Fingerprint(beside.size, beside.etag), self.listed.get(beside.address)):
            return None
        return part.model_copy(update={"rows": part.file_rows, "staged": None})


NOTHING = Memory()


def _is_same(planned: Fingerprint, now: Fingerprint | None) -> bool:
    return planned.etag is not None and planned == now
