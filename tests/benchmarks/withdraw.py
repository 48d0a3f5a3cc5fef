"""What taking rows back costs beside merging anew: `python -m tests.benchmarks.withdraw --rows 10000000`.

Makes a synthetic run (that of `tests.benchmarks.merge`), merges it, and withdraws 1,000 addresses of one
part, then 1,000 at random of all. Prints one JSON object.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from tests.benchmarks.merge import MEGABYTE, make_run
from tests.dataset.synthetic import RunShape

ADDRESSES = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=Path("output/benchmark-withdraw"))
    parser.add_argument("--part-size", default="100MB")
    options = parser.parse_args()
    folder: Path = options.folder
    shape = RunShape(
        parts=max(1, options.rows // 1_000_000),
        part_rows=min(options.rows, 1_000_000),
        batch_rows=10_000,
        failing=0.3,
        repeated=0.1,
    )
    make_run(folder / "run", shape)
    shutil.rmtree(folder / "dataset", ignore_errors=True)
    size = ["--part-size", options.part_size]
    merging, _ = _time("merge", "--run", f"{folder}/run", "--output", f"{folder}/dataset", *size)
    found = {
        "rows": options.rows,
        "part_size": options.part_size,
        "cpus": os.cpu_count(),
        "merge_seconds": merging,
    }
    draw = random.Random(0)
    lists = {"one_part": _of_one_part(folder, draw), "at_random": _of_all(folder, draw)}
    print(
        json.dumps(
            {**found, **{name: _withdraw(folder, urls, merging) for name, urls in lists.items()}}, indent=1
        )
    )


def _of_one_part(folder: Path, draw: random.Random) -> list[str]:
    """Addresses of the first million rows of the run: of one of its parts."""
    return draw.sample(_urls(min((folder / "dataset" / "data").iterdir()))[:500_000], ADDRESSES)


def _of_all(folder: Path, draw: random.Random) -> list[str]:
    files = sorted((folder / "dataset" / "data").iterdir())
    return [url for file in files for url in draw.sample(_urls(file), -(-ADDRESSES // len(files)))][
        :ADDRESSES
    ]


def _urls(file: Path) -> list[str]:
    urls: list[str] = pq.read_table(file, columns=["URL"])["URL"].to_pylist()
    return urls


def _withdraw(folder: Path, urls: list[str], merging: float) -> dict[str, object]:
    list_ = folder / "list.txt"
    list_.write_text("\n".join(urls))
    before = _sizes(folder)
    seconds, said = _time("withdraw", "--data", f"{folder}/dataset", "--list", str(list_))
    written = {name: size for name, size in _sizes(folder).items() if name not in before}
    return {
        "seconds": seconds,
        "times_faster_than_merging": round(merging / seconds, 1),
        "said": said,
        "files_written": len(written),
        "megabytes_written": round(sum(written.values()) / MEGABYTE),
        "megabytes_in_all": round(sum(before.values()) / MEGABYTE),
    }


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in (folder / "dataset" / "data").iterdir()}


def _time(*arguments: str) -> tuple[float, str]:
    """Seconds of wall clock, and the first line of the answer."""
    begin = time.monotonic()
    command = [sys.executable, "-c", "from dataset.cli import main; main()", *arguments]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return round(time.monotonic() - begin, 1), said.splitlines()[0]


if __name__ == "__main__":
    main()
