"""The budget of one URL, over all its redirects."""

from dataclasses import dataclass
from typing import Self

from common.settings import FetchSettings
from workers.fetch.clock import Clock
from workers.fetch.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds and bytes."""

    clock: Clock
    traffic: Traffic

    @classmethod
    def of(cls, settings: FetchSettings) -> Self:
        return cls(Clock(settings.timeout), Traffic(settings.max_bytes))
