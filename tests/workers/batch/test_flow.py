"""The flow: one outcome a row whatever happens, full passes, and no straggler that holds the device."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from errno import EMFILE
from ipaddress import ip_network
from typing import NoReturn

import pytest

from common.run.status import Status
from common.settings import FetchSettings, MannersSettings, SamplingSettings
from tests.demo.site import DrawnImage, Site, draw_images, serve
from workers.batch import flow as flow_module
from workers.batch import loop
from workers.batch.bodies import WebBodies
from workers.batch.byte_gate import ByteGate
from workers.batch.flow import Flow
from workers.batch.outcome import Outcome
from workers.captions import Captions, Image, ModelInputs
from workers.decode.decoder import decode
from workers.fetch import flight
from workers.fetch.flight import ShortageError
from workers.fetch.guard import Guard
from workers.fetch.shortage import Shortage
from workers.models.fake import FakeCascade

DRAWN = draw_images(48)
SIGNLESS = MannersSettings(signs=())


class Counting(FakeCascade):
    """Notes the size of each pass."""

    def __init__(self) -> None:
        super().__init__(SamplingSettings())
        self.passes: list[int] = []

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        self.passes.append(len(inputs))
        return super().caption(inputs, keys)


class Announced(Counting):
    """Knows each pass before it comes, and how many it knew at once."""

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Sequence[ModelInputs]] = []
        self.most = 0

    @contextmanager
    def announce(self, inputs: Sequence[ModelInputs]) -> Iterator[None]:
        self.known.append(inputs)
        yield
        self.known = [own for own in self.known if own is not inputs]

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        assert any(own is inputs for own in self.known)
        end = time.monotonic() + (0 if self.passes else 60)  # of the first pass: until the second is complete
        while len(self.known) < flow_module.PASSES_AHEAD and time.monotonic() < end:
            time.sleep(0.01)
        self.most = max(self.most, len(self.known))
        return super().caption(inputs, keys)


class Broken(Counting):
    """Fails at the first pass."""

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        raise RuntimeError(f"no memory for {len(inputs)} of {len(keys)}")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve(DRAWN) as running:
        yield running


def settings(**changes: object) -> FetchSettings:
    return FetchSettings.model_validate(
        {"allow_networks": (ip_network("127.0.0.0/8"),), "per_host": 64, "timeout": 3, **changes}
    )


def run(
    urls: Sequence[str | None],
    cascade: FakeCascade,
    fetch: FetchSettings,
    settled: dict[int, Outcome] | None = None,
) -> tuple[list[Outcome], int]:
    done: list[int] = []
    flow = Flow(cascade, fetch, 8, decode, done.append)
    outcomes = loop.run(flow.run(WebBodies(urls, fetch), list(range(len(urls))), settled or {}))
    return outcomes, sum(done)


def links(site: Site, images: Sequence[DrawnImage]) -> list[str]:
    return [site.url + image.path for image in images]


def test_the_models_know_the_next_pass_while_they_work_at_one(site: Site) -> None:
    cascade = Announced()
    run(links(site, DRAWN), cascade, settings())
    assert len(cascade.passes) == len(DRAWN) // 8
    assert cascade.most == flow_module.PASSES_AHEAD
    assert cascade.known == []


def test_every_row_gets_its_own_captions_in_order(site: Site) -> None:
    cascade = Counting()
    outcomes, done = run(links(site, DRAWN), cascade, settings())
    assert [outcome.captions and outcome.captions.top for outcome in outcomes] == [
        f"caption 0 of {row}" for row in range(48)
    ]
    assert done == 48
    assert len({outcome.sha256 for outcome in outcomes}) == 48


def test_passes_are_full_but_the_last(site: Site) -> None:
    cascade = Counting()
    run(links(site, DRAWN[:43]), cascade, settings())
    assert cascade.passes == [8, 8, 8, 8, 8, 3]


def test_failures_stand_between_captions(site: Site) -> None:
    good = links(site, DRAWN[:3])
    urls = [
        good[0],
        None,
        f"{site.url}/pictures/gone",
        good[1],
        "http://10.0.0.1/",
        f"{site.url}/page/x",
        good[2],
    ]
    outcomes, done = run(urls, Counting(), settings(), {6: Outcome(Status.FILTERED, "host")})
    assert [outcome.status for outcome in outcomes] == [
        Status.OK, Status.INVALID_URL, Status.HTTP_4XX, Status.OK, Status.BLOCKED, Status.NOT_AN_IMAGE,
        Status.FILTERED,
    ]  # fmt: skip
    assert done == len(urls)


def test_a_slow_host_never_holds_the_rest(site: Site) -> None:
    cascade = Counting()
    other_host = site.silent_url.replace("127.0.0.1", "localhost")
    silent = [f"{other_host}/{row}" for row in range(40)]
    fetch = settings(per_host=1, timeout=3, batch_timeout=2)
    began = time.monotonic()
    outcomes, _ = run([*silent, *links(site, DRAWN[:16])], cascade, fetch)
    assert time.monotonic() - began < 20  # one after the other they would take 120 seconds
    assert {outcome.status for outcome in outcomes[:40]} == {Status.TIMEOUT}
    assert {outcome.status for outcome in outcomes[40:]} == {Status.OK}


def test_rows_without_a_slot_wait_until_the_batchs_time_is_over(site: Site) -> None:
    silent = [f"{site.silent_url.replace('127.0.0.1', 'localhost')}/{row}" for row in range(6)]
    fetch = settings(per_host=2, timeout=60, read_timeout=60, batch_timeout=0.5)
    began = time.monotonic()
    flow = Flow(Counting(), fetch, 8, decode, lambda _: None)
    bodies = WebBodies([*silent, *links(site, DRAWN[:2])], fetch, SIGNLESS)
    outcomes = loop.run(flow.run(bodies, range(8), {}))
    assert time.monotonic() - began >= 0.5
    assert Counter(outcome.error for outcome in outcomes) == {
        "host budget": 4,
        "the batch's time for fetching was over": 2,
        None: 2,
    }


def test_what_the_models_raise_ends_the_batch(site: Site) -> None:
    with pytest.raises(RuntimeError, match="no memory for 8"):
        run(links(site, DRAWN[:20]), Broken(), settings())


def test_a_shortage_of_this_machine_gives_the_batch_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a FleetError, which delivery finds in the group: no row is written."""

    def refuse(*_: object) -> NoReturn:
        raise Shortage(EMFILE)

    monkeypatch.setattr(Guard, "open_socket", refuse)
    monkeypatch.setattr(flight, "PATIENCE", 0.0)
    refused = pytest.RaisesExc(ShortageError, match="file descriptors")
    with pytest.RaisesGroup(refused, allow_unwrapped=True, flatten_subgroups=True):
        run(links(site, DRAWN), Counting(), settings(timeout=60))


def test_decoders_take_their_own_time_not_that_of_the_web(site: Site) -> None:
    def slowly(body: bytes, *, max_pixels: int) -> Image:
        time.sleep(0.2)
        return decode(body, max_pixels=max_pixels)

    done: list[int] = []
    fetch = settings(batch_timeout=1)
    flow = Flow(Counting(), fetch, 8, slowly, done.append)
    outcomes = loop.run(
        flow.run(WebBodies(links(site, DRAWN), fetch, SIGNLESS), range(48), {})
    )  # 2.4 s of decoding at least
    assert {outcome.status for outcome in outcomes} == {Status.OK}


def test_a_body_that_has_arrived_is_never_late(site: Site) -> None:
    def slowly(body: bytes, *, max_pixels: int) -> Image:
        time.sleep(1.5)
        return decode(body, max_pixels=max_pixels)

    silent = [f"{site.silent_url.replace('127.0.0.1', 'localhost')}/{row}" for row in range(4)]
    done: list[int] = []
    fetch = settings(batch_timeout=0.5, timeout=60, read_timeout=60)
    flow = Flow(Counting(), fetch, 8, slowly, done.append)
    began = time.monotonic()
    outcomes = loop.run(
        flow.run(WebBodies([*silent, *links(site, DRAWN[:2])], fetch, SIGNLESS), range(6), {})
    )
    assert time.monotonic() - began < 50  # the silent ones were given up
    assert [outcome.status for outcome in outcomes] == [Status.TIMEOUT] * 4 + [Status.OK] * 2


def test_downloads_wait_while_decoders_hold_many_bytes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    hold = ByteGate._hold

    def note(gate: ByteGate, change: int) -> None:
        hold(gate, change)
        held.append(gate._held)

    monkeypatch.setattr(ByteGate, "_hold", note)
    monkeypatch.setattr(flow_module, "MAX_BODY_BYTES", 1)
    outcomes, _ = run(links(site, DRAWN), Counting(), settings(concurrency=1))
    assert {outcome.status for outcome in outcomes} == {Status.OK}
    assert held[-1] == 0
    assert len([value for value in held if value]) == 48  # one body at a time
