"""From URLs to model inputs: `python -m tests.benchmarks.end_to_end --img2dataset PATH`.

Our flow (fetch, decode, three inputs; captions made up) beside img2dataset, which fetches, decodes and makes
the 384 alone, and drops it (`dummy`) or writes it as it usually does (`webdataset`). All in as many processes
as asked, on one local server that answers every fifth URL with a 404 and all after 100 to 300 ms; the columns
take turns in every round. Nobody's start-up counts. Prints images a second (medians), our ratio to each,
and `processor_ms`: what an image of ours takes of a core, by part, without the server.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import torch

from common.run.status import Status
from common.settings import FetchSettings, SamplingSettings
from tests.benchmarks.decode import CASCADE
from tests.benchmarks.image_server import image_server, urls
from workers.batch import loop
from workers.batch.bodies import WebBodies
from workers.batch.flow import Flow
from workers.captions import Image, ModelInputs
from workers.decode.decoder import decode
from workers.models.fake import FakeCascade

LATENCY = "[0.1, 0.3]"
MICRO_BATCH = 64
OUTPUTS = ("dummy", "webdataset")


class Spent:
    """Processor seconds of parts of the work, in whichever thread they run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._lock = Lock()

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        began = time.thread_time()
        yield
        with self._lock:
            self.seconds[part] = self.seconds.get(part, 0) + time.thread_time() - began


class Resizing(FakeCascade):
    """Makes the three inputs as the cascade does, and makes up captions."""

    def __init__(self, spent: Spent) -> None:
        super().__init__(SamplingSettings())
        self._spent = spent

    def prepare(self, image: Image) -> ModelInputs:
        with self._spent.on("three inputs"):
            return ModelInputs(*(preprocessing.resize(image) for preprocessing in CASCADE))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--urls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--img2dataset", type=Path, help="its command, in an environment of its own")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.spent = []
    if options.worker:
        print(json.dumps(work(json.loads(options.worker), options.in_flight)))
        return
    with tempfile.TemporaryDirectory() as folder, image_server("--latency", LATENCY) as port:
        columns = {"ours": partial(ours, options, port)}
        if options.img2dataset:
            for output in OUTPUTS:
                columns[f"img2dataset, {output}"] = partial(img2dataset, options, port, Path(folder), output)
        print(json.dumps(measure(columns, options), indent=1))


def measure(columns: Mapping[str, Callable[[], float]], options: argparse.Namespace) -> dict[str, object]:
    rates: dict[str, list[float]] = {name: [] for name in columns}
    load = os.getloadavg()[0]
    for _ in range(options.rounds):
        for name, column in columns.items():
            rates[name].append(round(column(), 1))
            print(name, rates[name][-1], file=sys.stderr, flush=True)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    times = {name: round(medians["ours"] / median, 2) for name, median in medians.items()}
    about = {"processes": options.processes, "load": [round(load, 1), round(os.getloadavg()[0], 1)]}
    found = {"images_per_second": medians, "times": times, "rates": rates}
    return {**found, "processor_ms": summarise(options.spent), **about}


def summarise(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Medians by part."""
    return {part: round(statistics.median(own[part] for own in rounds), 2) for part in rounds[0]}


def ours(options: argparse.Namespace, port: int) -> float:
    """Images a second, from the first process's start of work to the last one's end."""
    links = urls(port, options.urls)
    command = [sys.executable, "-m", "tests.benchmarks.end_to_end", f"--in-flight={options.in_flight}"]
    running = [
        subprocess.Popen(
            [*command, "--worker", json.dumps(links[n :: options.processes])], stdout=subprocess.PIPE
        )
        for n in range(options.processes)
    ]
    answers = [json.loads(process.communicate()[0]) for process in running]
    seconds = max(answer["ended"] for answer in answers) - min(answer["began"] for answer in answers)
    done = _checked(sum(answer["ok"] for answer in answers), links)
    parts = answers[0]["processor_seconds"]
    options.spent.append(
        {part: 1e3 * sum(own["processor_seconds"][part] for own in answers) / done for part in parts}
    )
    return done / float(seconds)


def work(links: list[str], in_flight: int) -> dict[str, Any]:
    """What one process does; the links and nothing else are its part."""
    torch.set_num_threads(1)
    settings = FetchSettings.model_validate(
        {"allow_networks": "127.0.0.0/8", "per_host": 64, "timeout": 30, "concurrency": in_flight}
    )
    spent = Spent()

    def timed(body: bytes, *, max_pixels: int) -> Image:
        with spent.on("decoding"):
            return decode(body, max_pixels=max_pixels)

    flow = Flow(Resizing(spent), settings, MICRO_BATCH, timed, lambda _: None)
    began, before = time.time(), time.process_time()
    outcomes = loop.run(flow.run(WebBodies(links, settings), range(len(links)), {}))
    rest = time.process_time() - before - sum(spent.seconds.values())
    return {
        "began": began,
        "ended": time.time(),
        "ok": sum(outcome.status is Status.OK for outcome in outcomes),
        "processor_seconds": {**spent.seconds, "fetching and all else": rest},
    }


def img2dataset(options: argparse.Namespace, port: int, folder: Path, kind: str) -> float:
    """Images a second by its own clock, from the start of its first shard to the end of its last."""
    links = urls(port, options.urls)
    listed, output = folder / "urls.txt", folder / f"images{len(list(folder.glob('images*')))}"
    listed.write_text("\n".join(links))
    shard = -(-options.urls // (2 * options.processes))
    arguments = f"--url_list {listed} --output_folder {output} --output_format {kind} --retries 0"
    arguments += f" --processes_count {options.processes} --thread_count {options.in_flight}"
    arguments += f" --image_size 384 --number_sample_per_shard {shard} --enable_wandb False"
    subprocess.run([options.img2dataset, *arguments.split()], check=True, capture_output=True)
    shards = [json.loads(path.read_text()) for path in output.glob("*_stats.json")]
    seconds = max(each["end_time"] for each in shards) - min(each["start_time"] for each in shards)
    return _checked(sum(each["successes"] for each in shards), links) / float(seconds)


def _checked(found: int, links: list[str]) -> int:
    expected = sum(1 for n in range(len(links)) if n % 5)
    assert found == expected, f"{found} images instead of {expected}"
    return found


if __name__ == "__main__":
    main()
