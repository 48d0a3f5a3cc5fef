"""The budget of one URL, over all its redirects."""

from typing import NamedTuple, Self

from common.settings import FetchSettings
from workers.fetch.clock import Clock
from workers.fetch.room import Rooms
from workers.fetch.traffic import Traffic


class Budget(NamedTuple):
    """Seconds, bytes on the wire, and bytes in memory."""

    clock: Clock
    traffic: Traffic
    rooms: Rooms

    @classmethod
    def of(cls, settings: FetchSettings, rooms: Rooms) -> Self:
        return cls(Clock(settings.timeout), Traffic(settings.max_bytes), rooms)
