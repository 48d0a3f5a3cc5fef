"""What images cost that are here, beside links: `python -m tests.benchmarks.sources`.

A tar, a tar with its list, parquet and a folder of the same images, in a folder and on a real S3 server.
`reading` is CPU milliseconds an image, from a batch's message to its bodies, beside those of decoding and of
decoding with the models' three inputs; `ten batches` reads the same rows in as many batches. `flow` is a
whole batch, shard and all, by a device that takes no time, in a process of its own: CPU milliseconds an
image, images a second and megabytes of memory at most, beside the same images from links of a server
without latency. Columns take turns in every round; medians as one JSON object. Trust CPU times and ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import structlog
import torch

from common.run.batch import Batch
from common.run.make_run import make_run
from common.run.planned_part import Part
from common.settings import Settings
from common.store import Store, open_store
from producer.addresses import expand
from producer.options import EnqueueOptions
from producer.sources import plan_sources
from tests.benchmarks.decode import CASCADE
from tests.benchmarks.end_to_end import Resizing, Spent
from tests.benchmarks.held_inputs import HELD, LINKS, write_inputs, write_links
from tests.benchmarks.image_server import image_server
from tests.servers.seaweed import Seaweed, seaweed
from workers.batch import Work, caption_batch, read_batch
from workers.decode.decoder import Decoder

ENVIRONMENT = {
    "FLEET_MODELS": "fake",
    "FLEET_MICRO_BATCH": "64",
    "FLEET_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
    "FLEET_FETCH_PER_HOST": "64",
    "FLEET_FETCH_TIMEOUT": "30",
    "OMP_NUM_THREADS": "1",
}
BUCKET = "inputs"
Way = Callable[[], Mapping[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flow-rounds", type=int, default=3)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if options.work:
        print(json.dumps(flow(Part.model_validate_json(options.work))))
        return
    os.environ.update(ENVIRONMENT)
    with tempfile.TemporaryDirectory() as name, image_server() as port:
        folder = Path(name, "in")
        folder.mkdir()
        write_inputs(folder, options.rows)
        write_links(folder, port, options.rows)
        with seaweed(Path(name, "s3")) as server:
            os.environ.update(server.environment)
            _upload(folder, server)
            print(json.dumps(_measure(folder, options), indent=1))


def _upload(folder: Path, server: Seaweed) -> None:
    bucket, client = server.bucket(BUCKET), server.client()
    for path in filter(Path.is_file, folder.rglob("*")):
        client.upload_file(str(path), bucket, str(path.relative_to(folder)))


def _measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    parts = dict(_plan(folder))
    held = {name: part for name, part in parts.items() if name != "links"}
    reading: dict[str, Way] = {name: partial(read, part, 1) for name, part in held.items()}
    reading |= {f"{name}, ten batches": partial(read, part, 10) for name, part in held.items()}
    bodies = list(_bodies(parts["parquet, folder"], 1))
    reading |= {"decoding": partial(decode, bodies, 0), "with three inputs": partial(decode, bodies, 3)}
    found = _take_turns(reading, options.rounds)
    flows = _take_turns(
        {name: partial(_flow_apart, part) for name, part in parts.items()}, options.flow_rounds
    )
    return {"rows": options.rows, "reading": found, "flow": flows}


def _plan(folder: Path) -> Iterator[tuple[str, Part]]:
    """Each input as a planned part, by kind and place."""
    settings = Settings()
    store = open_store(str(folder.parent / "run"), settings.s3)
    for kind, path in {"links": LINKS, **HELD}.items():
        for place, root in {"folder": str(folder), "S3": f"s3://{BUCKET}"}.items():
            if (kind, place) != ("links", "S3"):
                (part,) = _plan_one(f"{root}/{path}", store, settings)
                yield kind if kind == "links" else f"{kind}, {place}", part


def _plan_one(address: str, store: Store, settings: Settings) -> list[Part]:
    named = expand([address], settings.s3, store.uri)
    return plan_sources(named, store, 10_000, settings.s3, EnqueueOptions())


def _take_turns(ways: Mapping[str, Way], rounds: int) -> dict[str, dict[str, float]]:
    """Medians of all figures, by column."""
    seen: dict[str, list[Mapping[str, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            seen[name].append(way())
            print(name, seen[name][-1], file=sys.stderr, flush=True)
    return {
        name: {figure: round(statistics.median(run[figure] for run in runs), 3) for figure in runs[0]}
        for name, runs in seen.items()
        if runs
    }


def read(part: Part, batches: int) -> dict[str, float]:
    """Read every row, in as many batches, as a worker does."""
    began = time.process_time()
    count = sum(1 for _ in _bodies(part, batches))
    assert count == part.rows
    return {"cpu_ms": 1000 * (time.process_time() - began) / count}


def _bodies(part: Part, batches: int) -> Iterator[bytes]:
    settings = Settings()
    for batch in part.batches(-(-part.rows // batches)):
        rows = read_batch(_work(part, batch, settings), settings)
        assert rows.source is not None
        for _, fetched in rows.source.read(range(batch.rows), settings.fetch.max_bytes):
            assert fetched.body is not None
            yield fetched.body


def decode(bodies: list[bytes], inputs: int) -> dict[str, float]:
    """Decode every image, and make inputs of it."""
    settings = Settings()
    began = time.process_time()
    with Decoder(settings.decode) as decoder:
        for body in bodies:
            pixels = decoder.decode(body, max_pixels=settings.fetch.max_pixels)
            for preprocessing in CASCADE[:inputs]:
                preprocessing.resize(pixels)
    return {"cpu_ms": 1000 * (time.process_time() - began) / len(bodies)}


def _flow_apart(part: Part) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.sources", "--work", part.model_dump_json()]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    found: dict[str, float] = json.loads(answer)
    return found


def flow(part: Part) -> dict[str, float]:
    """One batch of the whole part, from its message to its shard."""
    settings = Settings()
    work = _work(part, Batch(part.id, 0, part.rows), settings)
    cpu, began = time.process_time(), time.monotonic()
    rows = read_batch(work, settings)
    counts = caption_batch(work, rows, Resizing(Spent()), settings, lambda _: None)
    assert counts == {"ok": part.rows}, counts
    return {
        "cpu_ms": 1000 * (time.process_time() - cpu) / part.rows,
        "images_per_second": part.rows / (time.monotonic() - began),
        "peak_mb": _peak_kilobytes() / 1000,
    }


def _work(part: Part, batch: Batch, settings: Settings) -> Work:
    store = open_store(tempfile.mkdtemp(), settings.s3)
    return Work(store, make_run(settings, part.rows), part, batch)


def _peak_kilobytes() -> int:
    """Of this process since it began."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    main()
