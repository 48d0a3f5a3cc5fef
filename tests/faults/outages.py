"""Ways in which workers lose their broker for a while, and get it back."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.faults.fleet import Fleet
from tests.faults.link import link
from tests.servers.ports import free_ports


@dataclass(frozen=True)
class Outage:
    """One kind of outage.

    Args:
        url: of the broker, as the workers know it.
        begin: takes the broker away.
        end: brings it back.
        forgets: messages may be lost on the way, and have to be queued again.
    """

    url: str
    begin: Callable[[], None]
    end: Callable[[], None]
    forgets: bool = False


Kind = Callable[[Fleet], AbstractContextManager[Outage]]


@contextmanager
def _kill(crew: Fleet) -> Iterator[Outage]:
    """SIGKILL; started again with its data."""
    yield Outage(crew.broker.url, crew.broker.kill, crew.broker.start, forgets=True)  # everysec


@contextmanager
def _stop(crew: Fleet) -> Iterator[Outage]:
    """SIGSTOP: connections stay open, nothing answers. A reply to a link given up meanwhile is lost."""
    yield Outage(crew.broker.url, crew.broker.freeze, crew.broker.thaw, forgets=True)


@contextmanager
def _full(crew: Fleet) -> Iterator[Outage]:
    """Every write is refused, every read is answered."""

    def limit(megabytes: str) -> None:
        crew.broker.client().config_set("maxmemory", megabytes)

    yield Outage(crew.broker.url, lambda: limit("1"), lambda: limit("0"))


@contextmanager
def _moved(crew: Fleet) -> Iterator[Outage]:
    """It comes back at another address behind the same name."""
    with link(crew.broker.port) as road:

        def move() -> None:
            (crew.broker.port,) = free_ports(1)
            crew.broker.start()
            road.target = crew.broker.port

        yield Outage(_through(road.port), crew.broker.kill, move, forgets=True)


@contextmanager
def _cut(crew: Fleet) -> Iterator[Outage]:
    """The wires are cut, and nobody takes new connections."""
    with link(crew.broker.port) as road:
        yield Outage(_through(road.port), road.unplug, road.plug, forgets=True)


@contextmanager
def _silent(crew: Fleet) -> Iterator[Outage]:
    """Packets vanish, and nobody is told."""
    with link(crew.broker.port) as road:
        yield Outage(_through(road.port), road.freeze, road.thaw, forgets=True)


def _through(port: int) -> str:
    return f"redis://127.0.0.1:{port}/0"


OUTAGES: dict[str, Kind] = {
    "kill": _kill,
    "stop": _stop,
    "full": _full,
    "moved": _moved,
    "cut": _cut,
    "silent": _silent,
}
