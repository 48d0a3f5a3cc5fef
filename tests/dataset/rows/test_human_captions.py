"""Human captions in the layouts that data sets on the Hub have."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import FleetError
from dataset.rows.embedded_image import EmbeddedImage
from dataset.rows.human_captions import read_captions

LAYOUTS = {
    "texts": ["one", "two", "three"],
    "lists": [["one"], ["two", "another"], ["three"]],
    "structs": [{"raw": "one", "tokens": ["o"]}, {"raw": "two"}, {"raw": "three"}],
    "lists of structs": [[{"raw": "one"}], [{"raw": "two"}, {"raw": "another"}], [{"raw": "three"}]],
    "gaps": [["one", None, ""], None, ["three"]],
}


def write(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["caption", "sentences", "answer"])
def test_captions_in_several_layouts(tmp_path: Path, layout: str, name: str) -> None:
    file = write(tmp_path / "a.parquet", url=["a", "b", "c"], **{name: LAYOUTS[layout]})
    texts = [text for _, text in read_captions(file, local=False)]
    assert texts == {
        "lists": ["one", "two", "another", "three"],
        "lists of structs": ["one", "two", "another", "three"],
        "gaps": ["one", "three"],
    }.get(layout, ["one", "two", "three"])


def test_embedded_images_are_taken_where_they_are_asked_for_and_there(tmp_path: Path) -> None:
    bodies = [b"a", None, b"c"]
    images = [{"bytes": body, "path": "x"} for body in bodies]
    file = write(tmp_path / "a.parquet", Image=images, coco_url=["u", "v", "w"], caption=["1", "2", "3"])
    pairs = list(read_captions(file, local=False, embedded=True))
    assert pairs == [(EmbeddedImage(file, "Image", n), f"{n + 1}") for n in range(3)]
    assert [place.read() for place, _ in pairs if isinstance(place, EmbeddedImage)] == [b"a", b"", b"c"]
    assert [place for place, _ in read_captions(file, local=False)] == ["u", "v", "w"]
    bare = write(tmp_path / "b.parquet", image=[{"bytes": b"", "path": "x"}], url=["u"], caption=["1"])
    assert list(read_captions(bare, local=False, embedded=True)) == [("u", "1")]


def test_a_table_without_the_columns_is_one_line(tmp_path: Path) -> None:
    for columns in ({"url": ["a"]}, {"caption": ["a"]}, {"url": [["a"]], "caption": ["a"]}):
        with pytest.raises(FleetError, match="needs a column image or url"):
            list(read_captions(write(tmp_path / "a.parquet", **columns), local=False, embedded=True))
