"""Planning reads footers alone, and finds parts wherever they are."""

import io
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.run.batch import Batch
from common.run.part import PartError
from common.run.planned_part import part_id
from common.run.schema import SHARD
from common.settings import S3Settings
from producer import plan
from producer.addresses import expand
from producer.plan import limit_parts, plan_part, plan_parts
from tests.logs import log_lines
from tests.samples import write_part
from tests.servers.seaweed import Seaweed
from workers.batch.rows import read_rows
from workers.batch.shard import METADATA_KEY

NO_S3 = S3Settings()


def test_globs_folders_and_paths_name_each_part_once(outside: Path) -> None:
    for name in ("part-1", "part-0", "deeper/part-2"):
        write_part(outside / "in" / f"{name}.parquet")
    everything = expand(["in/part-*", "in", "in/part-0.parquet"], NO_S3)
    assert everything == [
        str(outside / f"in/{name}.parquet") for name in ("part-0", "part-1", "deeper/part-2")
    ]


def test_a_path_with_brackets_is_a_path_when_it_exists(outside: Path) -> None:
    part = write_part(outside / "part[1].parquet")
    assert expand([part.name], NO_S3) == [str(part)]


@pytest.mark.parametrize("argument", ["absent.parquet", "absent-*", "ftp://host/part.parquet"])
def test_what_names_nothing_is_refused(argument: str, outside: Path) -> None:
    with pytest.raises(PartError, match=re.escape(argument)):
        expand([argument], NO_S3)


def test_parts_on_s3_are_planned_with_their_etags(s3_environment: Seaweed, tmp_path: Path) -> None:
    bucket = s3_environment.bucket("planning")
    body = write_part(tmp_path / "part.parquet", 7).read_bytes()
    for key in ("in/part-0.parquet", "in/part-1.parquet", "in/deeper/part-2.parquet"):
        s3_environment.client().put_object(Bucket=bucket, Key=key, Body=body)
    settings = S3Settings(endpoint_url=s3_environment.endpoint_url)
    addresses = list(map(str, expand([f"s3://{bucket}/in/part-*"], settings)))
    assert addresses == [f"s3://{bucket}/in/part-{number}.parquet" for number in range(2)]
    assert [part.rows for part in plan_parts(addresses, settings).values()] == [7, 7]
    assert all(part.etag for part in plan_parts(addresses, settings).values())


def test_parts_of_one_name_in_two_folders_never_collide(tmp_path: Path) -> None:
    first, second = (write_part(tmp_path / folder / "part-0.parquet") for folder in "ab")
    assert plan_part(str(first), NO_S3).id != plan_part(str(second), NO_S3).id


def test_ids_are_readable_stable_and_short() -> None:
    assert part_id("s3://bucket/in/part-00000-of-00128.snappy.parquet").startswith(
        "part-00000-of-00128-snap-"
    )
    assert part_id("/a") == part_id("/a")
    assert len(part_id("/" + "long" * 100)) <= 40
    assert Batch("part-0", 10_000, 5).id == "part-0/000000010000"


def test_batches_cover_every_row_once(tmp_path: Path) -> None:
    part = plan_part(str(write_part(tmp_path / "part.parquet", 25)), NO_S3)
    assert [(batch.first_row, batch.rows) for batch in part.batches(10)] == [(0, 10), (10, 10), (20, 5)]


def test_a_limit_counts_over_all_parts(tmp_path: Path) -> None:
    addresses = [str(write_part(tmp_path / f"{number}.parquet", 10)) for number in range(3)]
    assert [part.rows for part in limit_parts(plan_parts(addresses, NO_S3).values(), 15)] == [10, 5]


class _Counting(io.FileIO):
    """A file that knows how much of it was read."""

    bytes_read = 0

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        count = super().readinto(buffer) or 0
        type(self).bytes_read += count
        return count


def test_a_part_of_a_million_rows_is_planned_from_its_footer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.parquet"
    urls = pa.array([f"http://192.0.2.1/{row}" for row in range(1_000_000)])
    pq.write_table(pa.table({"url": urls}), path, row_group_size=1_000_000)
    monkeypatch.setattr("common.run.part.open_regular", lambda path: io.BufferedReader(_Counting(path)))
    assert plan_part(str(path), NO_S3).rows == 1_000_000
    assert 0 < _Counting.bytes_read < 100_000 < path.stat().st_size


def test_a_shard_of_a_run_is_no_part(tmp_path: Path) -> None:
    path = tmp_path / "shard.parquet"
    table = pa.table({name: pa.nulls(3, SHARD.field(name).type) for name in SHARD.names})
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: "{}"}), path)
    with pytest.raises(
        PartError, match="a shard that the fleet wrote, not a list of links; leave its run out"
    ):
        plan_part(str(path), NO_S3)


def test_a_column_that_is_not_used_is_said_once_with_its_parts(tmp_path: Path) -> None:
    paths = [
        write_part(tmp_path / f"{n}.parquet", 3, TEXT=None, caption=["c"] * 3, text=[["t"]] * 3) for n in "ab"
    ]
    write_part(tmp_path / "c.parquet", 3, similarity=[[1.0]] * 3)
    with log_lines(plan) as lines:
        parts = plan_parts([str(path) for path in (*paths, tmp_path / "c.parquet")], NO_S3)
    said = {line["event"]: line["parts"] for line in lines if "parts" in line}
    assert said == {
        "column text holds list<element: string>: caption is read instead": 2,
        "column similarity holds list<element: double>: similarity will be null": 1,
    }
    assert (
        read_rows(parts[str(paths[0])], Batch(parts[str(paths[0])].id, 0, 3), NO_S3)["TEXT"].to_pylist()
        == ["c"] * 3
    )
