"""A fetcher whose only open network is one loopback address."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from common.settings import FetchSettings, MannersSettings
from tests.web.canary import Canary, canary
from tests.web.certificates import Authority
from tests.web.names import Answer, Names
from workers.fetch import Fetcher, dealer, guard
from workers.fetch.resolver import Lookup, Resolver

OPEN = "127.0.0.1"
CONTACT = "https://lab.example/bot"
OPEN_FAR = "127.9.9.9"  # no vector is this one

Fetching = Callable[..., AbstractAsyncContextManager[Fetcher]]


@pytest.fixture
def fetching() -> Fetching:
    """`fetching(names={...}, tls=..., **settings)` is a fetcher that may connect to 127.0.0.1 alone.

    It honours no sign unless told, so that sites are asked for nothing but what a test names.
    """

    @asynccontextmanager
    async def make(
        names: Mapping[str, Sequence[Answer]] | Lookup | None = None,
        tls: ssl.SSLContext | None = None,
        **settings: Any,
    ) -> AsyncIterator[Fetcher]:
        lookup = names if callable(names) else Names(names or {})
        own = {"signs": (), "kin": (), "strict_tdm": False} | settings
        own = {name: own[name] for name in MannersSettings.model_fields if name in own}
        settings = {name: value for name, value in settings.items() if name not in own}
        options = {"allow_networks": (f"{OPEN}/32",), "retries": 0, "contact": CONTACT, **settings}
        async with Fetcher(
            FetchSettings.model_validate(options),
            MannersSettings.model_validate(own),
            resolver=Resolver(lookup),
            tls=tls,
        ) as fetcher:
            yield fetcher

    return make


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(Path(tmp_path_factory.mktemp("authority")))


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No URL waits until the wishes of others have gathered."""
    monkeypatch.setattr(dealer, "GATHER", 0.0)


@pytest.fixture
def bird(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canary]:
    """A canary at a port that the guard would let pass anywhere on the Internet."""
    with canary() as bird:
        monkeypatch.setattr(guard, "PORTS", guard.PORTS | {bird.port})
        yield bird
