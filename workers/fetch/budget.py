"""The budget of one URL, over all its redirects."""

from dataclasses import dataclass
from typing import Self

from common.settings import FetchSettings
from workers.fetch.clock import Clock
from workers.fetch.room import Rooms
from workers.fetch.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds, bytes on the wire, and bytes in memory."""

    clock: Clock
    traffic: Traffic
    rooms: Rooms

    @classmethod
    def of(cls, settings: FetchSettings, rooms: Rooms) -> Self:
        return cls(Clock(settings.timeout), Traffic(settings.max_bytes), rooms)
