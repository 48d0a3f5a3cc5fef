"""Single images of parts: whatever their number, a part is opened once."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from common.archive.part_images import read_rows
from common.run.part import open_part
from common.run.planned_part import Part
from common.settings import S3Settings
from tests.archives.inputs import COLUMN, FILES
from tests.servers.small_s3 import SmallS3, small_s3

ADDRESS = "s3://bucket/in/a.parquet"


def part_on(server: SmallS3, source: Path, kind: str, **fields: object) -> Part:
    server.put("in/a.parquet", source.read_bytes())
    with open_part(ADDRESS, server.settings) as (_, found):
        values = {"id": "part", "address": ADDRESS, "rows": 12, "size": found.size, "etag": found.etag}
    server.requests.clear()
    return Part.model_validate({**values, "kind": kind, **fields})


def bodies(part: Part, rows: list[int], s3: S3Settings) -> list[bytes | None]:
    return [held.body for held in read_rows(part, rows, 20_000_000, s3)]


def test_single_images_of_a_part_take_one_look_at_its_footer(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [7, 2, 11]
    images = pq.read_table(COLUMN)["image"].to_pylist()
    keys = pq.read_table(FILES / "00000.parquet")["key"].to_pylist()
    with small_s3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        column = part_on(server, COLUMN, "images")
        assert bodies(column, rows, server.settings) == [images[row] and images[row]["bytes"] for row in rows]
        assert server.requests.count("HEAD in/a.parquet") == 1
        fields = {"folder": str(FILES / "00000"), "suffix": ".jpg"}
        listed = part_on(server, FILES / "00000.parquet", "folder", **fields)
        expected = [FILES / "00000" / f"{keys[row]}.jpg" for row in (2, 8)]
        assert bodies(listed, [2, 8], server.settings) == [path.read_bytes() for path in expected]
        assert server.requests.count("HEAD in/a.parquet") == 1
