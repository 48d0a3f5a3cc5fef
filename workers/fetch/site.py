"""What is known of a site: its robots.txt and its tdmrep.json, or why there is no knowing."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from common.run.status import Status
from workers.fetch.failure import Failure
from workers.fetch.signs.robots_txt import RobotsTxt
from workers.fetch.signs.rsl import LicenseRule
from workers.fetch.signs.tdm import TdmRule

KEPT = 86_400.0
"""Seconds that a robots.txt is used (RFC 9309, 2.4)."""

FIRST_AGAIN, LAST_AGAIN = 300.0, 3600.0
"""Seconds until one that is out of reach is asked for again: at first, and at most."""


@dataclass(frozen=True, slots=True)
class Site:
    """One origin.

    Args:
        until: seconds since 1970, up to when this holds.
        robots: the rules of its robots.txt for us.
        tdm: the rules of its tdmrep.json.
        licenses: the terms to which its robots.txt points.
        failure: status and detail of a robots.txt that is out of reach.
        tries: in vain, one after the other.
    """

    until: float
    robots: RobotsTxt = field(default_factory=RobotsTxt)
    tdm: tuple[TdmRule, ...] = ()
    failure: tuple[str, str] | None = None
    tries: int = 0
    licenses: tuple[LicenseRule, ...] = ()

    def raise_for_failure(self) -> None:
        """Raise Failure if its robots.txt is out of reach: no reservation, and no permission either."""
        if self.failure is not None:
            status, detail = self.failure
            raise Failure(Status(status), detail)

    def out_of_reach(self, failure: Failure, now: float) -> "Site":
        """What follows from another try in vain: old rules hold on."""
        again = min(FIRST_AGAIN * 2**self.tries, LAST_AGAIN)
        has_rules = self.until > 0 and self.failure is None
        reason = None if has_rules else (failure.status.value, failure.detail)
        return Site(now + again, self.robots, self.tdm, reason, self.tries + 1, self.licenses)

    def to_bytes(self) -> bytes:
        """As it is shared: JSON without its empty fields."""
        fields = {
            "u": int(self.until),
            "r": [[name, value.decode("latin-1")] for name, value in self.robots.lines],
            "d": self.robots.delay,
            "l": self.robots.license,
            "t": [[rule.location, int(rule.is_reserved)] for rule in self.tdm],
            "c": [[rule.path, rule.refusal] for rule in self.licenses],
            "f": self.failure,
            "n": self.tries,
        }
        return json.dumps(
            {name: value for name, value in fields.items() if value}, separators=(",", ":")
        ).encode()

    @classmethod
    def from_bytes(cls, entry: bytes) -> Self | None:
        """What was shared; None where it is nothing of ours."""
        try:
            return cls._read(json.loads(entry))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    @classmethod
    def _read(cls, fields: dict[str, Any]) -> Self:
        lines = tuple((str(name), str(value).encode("latin-1")) for name, value in fields.get("r", ()))
        robots = RobotsTxt(lines, float(fields.get("d", 0)), fields.get("l"))
        tdm = tuple(TdmRule(str(location), value == 1) for location, value in fields.get("t", ()))
        licenses = tuple(LicenseRule(str(path), str(refusal)) for path, refusal in fields.get("c", ()))
        failure = fields.get("f")
        if failure is not None:
            failure = Status(failure[0]).value, str(failure[1])
        return cls(float(fields["u"]), robots, tdm, failure, int(fields.get("n", 0)), licenses)
