"""`producer enqueue --stage`: parts that are costly to read are copied into the run, and read from there."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.run.manifest import read_parts
from common.run.planned_part import Part
from common.settings import S3Settings
from common.store import absolute_uri, open_store
from producer.cli import main
from producer.plan import plan_part
from producer.row_groups import row_groups
from producer.stage import is_costly
from tests.processes import TOY, run, run_here
from tests.samples import write_part
from tests.servers.hub import hub
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import Valkey
from tests.small_disk import needs_small_disk, small_disk
from workers.batch.rows import read_rows

ROWS, BATCH = 1000, 7  # 143 batches read 72 times the only row group
NO_S3 = S3Settings()


@pytest.fixture
def environment(broker: Valkey, outside: Path) -> dict[str, str]:
    return {**TOY, "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "out"}


def enqueue(environment: dict[str, str], *arguments: object) -> str:
    done = run_here(main, "enqueue", *arguments, "--batch-rows", BATCH, environment=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def planned(output: str, s3: S3Settings = NO_S3) -> tuple[Part, str]:
    store = open_store(absolute_uri(output), s3)
    (part,) = read_parts(store)
    return part, store.uri


def texts(part: Part, s3: S3Settings = NO_S3) -> list[str]:
    return [text for batch in part.batches(BATCH) for text in read_rows(part, batch, s3)["TEXT"].to_pylist()]


def test_a_costly_part_is_read_from_its_copy(environment: dict[str, str], outside: Path) -> None:
    numbers = list(range(ROWS))
    path = write_part(
        outside / "in.parquet", ROWS, extra=["x" * 9] * ROWS, punsafe=numbers, hash=numbers, width=numbers
    )
    expected = texts(plan_part(str(path), NO_S3))
    assert "143 batches queued" in enqueue(environment, path, "--stage")
    part, uri = planned("out")
    assert (part.address, part.rows, part.size) == (str(path), ROWS, path.stat().st_size)
    path.unlink()
    assert texts(part.as_read(uri)) == expected
    copy = pq.ParquetFile(part.as_read(uri).address)
    assert [copy.metadata.row_group(n).num_rows for n in range(3)] == [BATCH] * 3
    assert copy.schema_arrow.names == ["URL", "TEXT", "punsafe", "hash", "width"]
    last = read_rows(part.as_read(uri), list(part.batches(BATCH))[-1], NO_S3).to_pylist()[-1]
    assert (last["punsafe"], last["hash"], last["WIDTH"]) == (ROWS - 1,) * 3
    assert not list((outside / "out").glob(".tmp/*"))


def test_again_it_adds_nothing_and_copies_nothing(environment: dict[str, str], outside: Path) -> None:
    path = write_part(outside / "in.parquet", ROWS)
    enqueue(environment, path, "--stage")
    part, uri = planned("out")
    before = Path(part.as_read(uri).address).stat().st_mtime_ns
    assert "0 batches queued" in enqueue(environment, path, "--stage")
    Path(uri, "parts", f"{part.id}.json").unlink()  # as if it had been killed before it wrote this
    assert "0 batches queued" in enqueue(environment, path, "--stage")
    assert planned("out")[0] == part
    assert Path(part.as_read(uri).address).stat().st_mtime_ns == before


def test_a_copy_of_another_version_is_refused(environment: dict[str, str], outside: Path) -> None:
    path = write_part(outside / "in.parquet", ROWS)
    enqueue(environment, path, "--stage")
    part, uri = planned("out")
    Path(uri, "parts", f"{part.id}.json").unlink()
    write_part(path, ROWS + 1)
    again = run_here(main, "enqueue", path, "--stage", environment=environment)
    assert (again.returncode, again.stdout) == (2, "")
    assert "a copy of another version" in again.stderr


def test_what_is_cheap_to_read_stays_where_it_is(environment: dict[str, str], outside: Path) -> None:
    path = outside / "in.parquet"
    pq.write_table(pa.table({"URL": ["u"] * ROWS}), path, row_group_size=100)
    enqueue(environment, path, "--stage")
    part, uri = planned("out")
    assert part.staged is None
    assert part.as_read(uri) == part
    assert not (outside / "out" / "staged").exists()


def test_the_cost_of_a_part_follows_from_batches_and_columns(tmp_path: Path) -> None:
    path = write_part(tmp_path / "in.parquet", ROWS)
    part = plan_part(str(path), NO_S3)
    assert not is_costly(part, 20, NO_S3)  # 50 batches read it 25.5 times
    assert is_costly(part, 9, NO_S3)  # 112: 56.5 times
    wide = write_part(tmp_path / "wide.parquet", ROWS, blob=[f"{row:099d}" for row in range(ROWS)])
    assert not is_costly(plan_part(str(wide), NO_S3), 9, NO_S3)


def test_a_limit_of_rows_limits_the_copy(environment: dict[str, str], outside: Path) -> None:
    path = write_part(outside / "in.parquet", ROWS)
    enqueue(environment, path, "--stage", "--limit-rows", 10)
    part, uri = planned("out")
    assert texts(part.as_read(uri)) == [f"text {row}" for row in range(10)]
    assert pq.ParquetFile(part.as_read(uri).address).metadata.num_rows == 10


def test_parts_on_the_hub_are_copied_whatever_they_cost(environment: dict[str, str], outside: Path) -> None:
    body = write_part(outside / "in.parquet", 12).read_bytes()
    with hub({"part-0.parquet": body}) as endpoint:
        own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(outside / "hf"), "HF_HUB_DISABLE_XET": "1"}
        done = run(
            "producer",
            "enqueue",
            "hf://datasets/lab/links/part-0.parquet",
            "--stage",
            "--batch-rows",
            str(BATCH),
            environment={**environment, **own},
            cwd=outside,
        )
    assert done.returncode == 0, done.stderr
    part, uri = planned("out")
    assert part.address.startswith("hf://datasets/lab/links")
    assert texts(part.as_read(uri)) == [f"text {row}" for row in range(12)]


def test_into_a_run_on_s3(environment: dict[str, str], s3_environment: Seaweed, outside: Path) -> None:
    bucket, settings = s3_environment.bucket("stage"), S3Settings(endpoint_url=s3_environment.endpoint_url)
    path = write_part(outside / "in.parquet", ROWS)
    output = f"s3://{bucket}/run"
    own = {**environment, "FLEET_S3_ENDPOINT_URL": s3_environment.endpoint_url}
    enqueue(own, path, "--stage", "--output", output)
    part, uri = planned(output, settings)
    assert part.staged is not None
    assert part.staged.etag
    last = list(part.batches(BATCH))[-1]
    rows = read_rows(part.as_read(uri), last, settings)
    assert rows["TEXT"].to_pylist() == [f"text {row}" for row in range(last.first_row, ROWS)]


@pytest.mark.parametrize("size", [1, 4, 5, 12, 100])
def test_pieces_of_any_length_become_row_groups(size: int) -> None:
    pieces = [pa.record_batch({"row": rows}) for rows in ([0, 1, 2], [3], [4, 5, 6, 7, 8, 9, 10, 11])]
    groups = [group["row"].to_pylist() for group in row_groups(pieces, size)]
    assert [row for group in groups for row in group] == list(range(12))
    assert all(len(group) == size for group in groups[:-1])


@needs_small_disk
def test_a_full_disk_is_no_damaged_part(environment: dict[str, str], outside: Path) -> None:
    noise = np.random.default_rng(0).bytes(200_000).hex()
    texts = [noise[first : first + 400] for first in range(0, len(noise), 400)]
    path = write_part(outside / "in.parquet", len(texts), TEXT=texts)
    with small_disk(outside / "out", "128k") as disk:
        failed = run_here(main, "enqueue", path, "--stage", "--batch-rows", BATCH, environment=environment)
        assert (failed.returncode, failed.stdout) == (2, "")
        assert "no room left" in failed.stderr
        assert not list(disk.glob("staged/*"))
        assert not list(disk.glob("parts/*"))
