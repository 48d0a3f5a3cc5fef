"""Requests that a host gets at once from the whole fleet, where it is not the usual number."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from common.url import canonical_host


@dataclass(frozen=True, slots=True)
class HostBudgets:
    """Budgets by host, and by the hosts below one (`*.example.net`); the longest name counts."""

    hosts: Mapping[str, int]
    below: Mapping[str, int]
    usual: int

    @classmethod
    def of(cls, texts: Iterable[str], usual: int) -> Self:
        """From texts as `i.pinimg.com=32` and `*.example.net=16`.

        Raises:
            ValueError: one is nothing of the kind.
        """
        hosts: dict[str, int] = {}
        below: dict[str, int] = {}
        for text in texts:
            name, _, number = text.partition("=")
            if not number.strip().isdecimal() or int(number) < 1:
                raise ValueError(f"{text!r} is no budget; write host=N or *.host=N, N from 1 on")
            group, host = (
                (below, name.strip()[2:]) if name.strip().startswith("*.") else (hosts, name.strip())
            )
            group[canonical_host(host)] = int(number)
        return cls(hosts, below, usual)

    def find(self, host: str) -> int | None:
        """The budget that was agreed for a host in its canonical form, if one was."""
        if host in self.hosts:
            return self.hosts[host]
        while self.below and host:
            host = host.partition(".")[2]
            if host in self.below:
                return self.below[host]
        return None
