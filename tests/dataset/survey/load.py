"""Twenty raters at once, without browsers; `python -m tests.dataset.survey.load` prints the times."""

import argparse
import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from statistics import median

from dataset.survey.layout import ANSWERS
from tests.dataset.survey.server import Client, Reply, Server, serving
from tests.dataset.survey.surveys import codes, make_survey

RATERS = 20
SAMPLES = 400
THINKING = (0.2, 0.6)
"""Seconds between two answers: several times faster than people are."""


@dataclass
class Crowd:
    """What the raters saw."""

    times: list[float] = field(default_factory=list)
    """Seconds of every request."""
    acknowledged: list[tuple[int, str, str, int]] = field(default_factory=list)
    """Rater (counted from 1), picture, guess and rating of every answer that the server said it keeps."""
    stop: threading.Event = field(default_factory=threading.Event)

    def rate(self, number: int, server: Server, code: str) -> None:
        """One rater, until told to stop or the server is gone."""
        chances = random.Random(number)
        client = Client(server.port)
        try:
            client.enter(code)
            while not self.stop.is_set():
                self._answer(client, number, chances)
                time.sleep(chances.uniform(*THINKING))
        except (OSError, HTTPException):
            return  # killed: what was not acknowledged may be lost
        finally:
            client.close()

    def _answer(self, client: Client, number: int, chances: random.Random) -> None:
        place = self._timed(client, "/next").place
        page = self._timed(client, place)
        image = page.text.partition('src="/pictures/')[2].partition(".jpg")[0]
        self._timed(client, f"/pictures/{image}.jpg")
        guess, rating = chances.choice(("human", "machine")), chances.randrange(6)
        form = {"token": page.hidden("token"), "seen": page.hidden("seen"), "guess": guess, "rating": rating}
        assert self._timed(client, place, form).status == 303
        self.acknowledged.append((number, image, guess, rating))

    def _timed(self, client: Client, path: str, form: Mapping[str, object] | None = None) -> Reply:
        began = time.perf_counter()
        reply = client.get(path) if form is None else client.post(path, form)
        self.times.append(time.perf_counter() - began)
        return reply


@contextmanager
def crowd_at(server: Server, invited: Sequence[str]) -> Iterator[Crowd]:
    """All of them rate while the block runs."""
    crowd = Crowd()
    threads = [
        threading.Thread(target=crowd.rate, args=(number, server, code))
        for number, code in enumerate(invited, 1)
    ]
    for thread in threads:
        thread.start()
    try:
        yield crowd
    finally:
        crowd.stop.set()
        for thread in threads:
            thread.join()


def stored(folder: Path) -> list[tuple[int, str, str, int]]:
    """Every answer in the database, as `Crowd.acknowledged` has them."""
    with closing(sqlite3.connect(folder / ANSWERS)) as connection:
        return connection.execute("SELECT rater, sample, guess, rating FROM answer").fetchall()


def percentile(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--raters", type=int, default=RATERS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "survey")
        make_survey(folder, SAMPLES)
        with serving(folder) as server, crowd_at(server, codes(folder, options.raters)) as crowd:
            time.sleep(options.seconds)
    milliseconds = [1000 * each for each in crowd.times]
    print(
        f"{options.raters} raters, {len(milliseconds)} requests, {len(crowd.acknowledged)} answers:"
        f" median {median(milliseconds):.1f} ms, p99 {percentile(milliseconds, 0.99):.1f} ms,"
        f" longest {max(milliseconds):.1f} ms"
    )


if __name__ == "__main__":
    main()
