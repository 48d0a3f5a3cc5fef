"""The rows and images of a batch, from each kind of part; what is damaged is the part's error."""

import random
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.archive import column_part
from common.errors import StoreError
from common.run.batch import Batch
from common.run.part import PartError, open_part
from common.run.planned_part import Beside, Part
from common.run.status import Status
from common.settings import S3Settings
from tests.archives.inputs import AS_IS, COLUMN, FILES, FOLDER, IMG2DATASET, JPEG, SHAPES, pack
from tests.servers.small_s3 import small_s3
from workers.archive import TarSource, open_source
from workers.fetched import Fetched

S3 = S3Settings()
LARGE = 20_000_000


def part_of(path: Path, rows: int, kind: str, **fields: object) -> Part:
    with open_part(str(path), S3) as (_, found):
        values = {"id": "part", "address": str(path), "rows": rows, "size": found.size, "kind": kind}
    return Part.model_validate({**values, **fields})


def tar_of(folder: Path, rows: int = 30) -> Part:
    beside = folder / "00000.parquet"
    return part_of(
        folder / "00000.tar", rows, "tar", beside=Beside(address=str(beside), size=beside.stat().st_size)
    )


def read(
    part: Part, first: int = 0, rows: int | None = None, max_bytes: int = LARGE, s3: S3Settings = S3
) -> dict[int, Fetched]:
    batch = Batch(part.id, first, rows or part.rows)
    source = open_source(part, batch, s3)
    assert source is not None
    absent = dict(source.absent())
    wanted = [index for index in range(batch.rows) if index not in absent]
    found = dict(source.read(wanted, max_bytes))
    assert sorted(found) == wanted
    return absent | found


def bodies(found: dict[int, Fetched]) -> list[bytes | None]:
    return [found[index].body for index in range(len(found))]


def test_a_listed_tar_has_the_rows_of_its_list_failures_in_their_own_words() -> None:
    part = tar_of(IMG2DATASET)
    found = read(part)
    rows = pq.read_table(IMG2DATASET / "00000.parquet").to_pylist()
    assert len(found) == len(rows) == 30
    for index, row in enumerate(rows):
        if row["status"] == "success":
            assert found[index].status is Status.OK
        elif row["error_message"].startswith("Use of image disallowed"):
            assert found[index] == Fetched(Status.OPT_OUT, row["error_message"])
        else:
            assert found[index] == Fetched(Status.NO_IMAGE, row["error_message"])


@pytest.mark.parametrize("part", [tar_of(IMG2DATASET), tar_of(AS_IS)])
def test_ranges_of_a_tar_give_together_what_the_whole_gives(part: Part) -> None:
    whole = bodies(read(part))
    assert [
        body for first in (0, 7, 14, 21, 28) for body in bodies(read(part, first, min(7, 30 - first)))
    ] == whole


def test_a_tar_alone_says_url_and_text_itself() -> None:
    part = part_of(SHAPES, 12, "tar")
    source = open_source(part, Batch("part", 3, 4), S3)
    assert isinstance(source, TarSource)
    assert all(text.startswith("a ") for text in source.table["TEXT"].to_pylist())
    assert source.table["URL"].null_count == 4
    assert all(body and body.startswith(b"\xff\xd8") for body in bodies(read(part, 3, 4)))


def test_text_wins_over_json_unless_it_is_empty(tmp_path: Path) -> None:
    json = b'{"caption": "of the json", "url": "http://a.example/1", "width": 640}'
    members = [("a.jpg", JPEG), ("a.txt", b"of the text"), ("a.json", json)]
    members += [("b.jpg", JPEG), ("b.txt", b""), ("b.json", json), ("c.txt", b"no image")]
    (tmp_path / "a.tar").write_bytes(pack(members))
    part = part_of(tmp_path / "a.tar", 3, "tar")
    source = open_source(part, Batch("part", 0, 3), S3)
    assert isinstance(source, TarSource)
    assert source.table["TEXT"].to_pylist() == ["of the text", "of the json", "no image"]
    assert source.table["WIDTH"].to_pylist() == [640, 640, None]
    assert source.absent() == {2: Fetched(Status.NO_IMAGE, "the sample has no image")}


def test_a_column_of_images() -> None:
    part = part_of(COLUMN, 12, "images")
    images = pq.read_table(COLUMN)["image"].to_pylist()
    assert bodies(read(part, 2, 9)) == [image and image["bytes"] for image in images[2:11]]
    assert read(part)[11] == Fetched(Status.NO_IMAGE, "the column holds no bytes in this row")


@pytest.mark.parametrize("layout", [pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary())])
def test_columns_of_plain_bytes_over_several_row_groups(tmp_path: Path, layout: pa.DataType) -> None:
    expected = [None if row % 5 == 4 else JPEG + bytes([row]) for row in range(100)]
    table = pa.table({"jpg": pa.array(expected, pa.binary()).cast(layout)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=30)
    part = part_of(tmp_path / "a.parquet", 100, "images")
    assert bodies(read(part, 20, 55)) == expected[20:75]


def test_one_image_repeated_in_a_dictionary_takes_the_memory_of_one(tmp_path: Path) -> None:
    body = bytes(8 << 20)
    image = pa.DictionaryArray.from_arrays(pa.array([0] * 4000, pa.int32()), pa.array([body], pa.binary()))
    pq.write_table(pa.table({"image": image}), tmp_path / "a.parquet")
    part = part_of(tmp_path / "a.parquet", 4000, "images")
    before = pa.total_allocated_bytes()
    for _ in column_part.read_images(part, [range(40)], LARGE, S3):
        assert pa.total_allocated_bytes() - before < 100 << 20


def test_many_images_of_a_row_group_are_never_together_in_memory(tmp_path: Path) -> None:
    images = [random.Random(row).randbytes(32_000) for row in range(1200)]
    pq.write_table(pa.table({"image": images}), tmp_path / "a.parquet", write_batch_size=16)
    part = part_of(tmp_path / "a.parquet", 1200, "images")
    before = pa.total_allocated_bytes()
    for held in column_part.read_images(part, [range(1200)], LARGE, S3):
        assert held.body == images[held.row]
        assert pa.total_allocated_bytes() - before < 16 << 20


def files_of(folder: Path) -> Part:
    return part_of(folder / "00000.parquet", 15, "folder", folder=str(folder / "00000"), suffix=".jpg")


def test_a_folder_beside_its_list_has_the_rows_of_the_list(tmp_path: Path) -> None:
    folder = shutil.copytree(FILES, tmp_path / "in")
    (folder / "00000/0000003.jpg").unlink()
    found = read(files_of(folder))
    for index, row in enumerate(pq.read_table(folder / "00000.parquet").to_pylist()):
        image = folder / "00000" / f"{row['key']}.jpg"
        if image.exists():
            assert found[index].body == image.read_bytes()
        elif row["status"] == "success":
            assert found[index] == Fetched(Status.NO_IMAGE, "no such file in the folder")
        else:
            opt_out = row["error_message"].startswith("Use of image disallowed")
            status = Status.OPT_OUT if opt_out else Status.NO_IMAGE
            assert found[index] == Fetched(status, row["error_message"])
    assert bodies(read(files_of(folder), 4, 9)) == bodies(found)[4:13]


def test_a_column_that_img2dataset_wrote_says_why_it_lacks_an_image(tmp_path: Path) -> None:
    table = pq.read_table(FILES / "00000.parquet")
    images = [JPEG if status == "success" else None for status in table["status"].to_pylist()]
    pq.write_table(table.append_column("jpg", pa.array(images)), tmp_path / "a.parquet")
    found = read(part_of(tmp_path / "a.parquet", 15, "images"))
    words = table["error_message"].to_pylist()
    assert [found[index].error for index in range(15)] == words
    assert [found[index].status for index in range(15) if words[index]].count(Status.OPT_OUT) == 1


def test_other_columns_of_these_names_say_nothing(tmp_path: Path) -> None:
    table = {"image": [JPEG, None], "status": [7, 8], "key": [1, 2]}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    found = read(part_of(tmp_path / "a.parquet", 2, "images"))
    assert found[1] == Fetched(Status.NO_IMAGE, "the column holds no bytes in this row")


@pytest.mark.parametrize("key", ["../0000000", "a/../../b", "", None])
def test_a_key_never_leads_out_of_its_folder(tmp_path: Path, key: str | None) -> None:
    folder = shutil.copytree(FILES, tmp_path / "in")
    table = pq.read_table(folder / "00000.parquet")
    keys = pa.array([key, *table["key"].to_pylist()[1:]], pa.string())
    place = table.schema.get_field_index("key")
    pq.write_table(table.set_column(place, "key", keys), folder / "00000.parquet")
    with pytest.raises(PartError, match="leads to"):
        read(files_of(folder))


def test_a_folder_and_a_file_that_is_gone(tmp_path: Path) -> None:
    names = ["1.jpg", "more/0.jpg", "lost.jpg"]
    pq.write_table(pa.table({"path": names}), tmp_path / "index.parquet")
    part = part_of(tmp_path / "index.parquet", 3, "folder", folder=str(FOLDER))
    found = read(part)
    assert bodies(found)[:2] == [(FOLDER / name).read_bytes() for name in names[:2]]
    assert found[2] == Fetched(Status.NO_IMAGE, "no such file in the folder")


def test_a_folder_on_s3_takes_a_request_an_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}.jpg" for number in range(20)]
    pq.write_table(pa.table({"path": [*names, "lost.jpg"]}), tmp_path / "index.parquet")
    expected = [JPEG + bytes(100_000 + number) for number in range(20)]
    with small_s3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        for name, body in zip(names, expected, strict=True):
            server.put(f"in/{name}", body)
        part = part_of(tmp_path / "index.parquet", 21, "folder", folder="s3://bucket/in")
        found = read(part, s3=server.settings, max_bytes=len(JPEG) + 100_018)
    assert bodies(found) == [*expected[:19], None, None]
    assert found[19] == Fetched(Status.TOO_LARGE, f"{len(JPEG) + 100_019} bytes")
    assert found[20] == Fetched(Status.NO_IMAGE, "no such file in the folder")
    asked = [request for request in server.requests if not request.endswith(("lost.jpg", "in/"))]
    assert sorted(asked) == sorted(f"GET in/{name}" for name in names)


def test_a_folder_that_this_machine_does_not_see_is_no_fault_of_its_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"path": ["1.jpg"]}), tmp_path / "index.parquet")
    part = part_of(tmp_path / "index.parquet", 1, "folder", folder=str(tmp_path / "unmounted"))
    with pytest.raises(StoreError, match="mounted"):
        read(part)


@pytest.mark.parametrize("name", ["../1.jpg", "/etc/passwd", "a/../../b.jpg", "", None])
def test_an_index_never_leads_out_of_its_folder(tmp_path: Path, name: str | None) -> None:
    pq.write_table(pa.table({"path": pa.array([name], pa.string())}), tmp_path / "index.parquet")
    with pytest.raises(PartError, match="leads to"):
        read(part_of(tmp_path / "index.parquet", 1, "folder", folder=str(FOLDER)))


def test_what_is_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(pack([("a.jpg", bytes(2000)), ("b.jpg", bytes(10))]))
    found = read(part_of(tmp_path / "a.tar", 2, "tar"), max_bytes=1000)
    assert found[0] == Fetched(Status.TOO_LARGE, "2000 bytes")
    assert found[1].body == bytes(10)


def _cut(folder: Path) -> None:
    body = (folder / "00000.tar").read_bytes()
    (folder / "00000.tar").write_bytes(body[: len(body) // 2])


def _lacking(folder: Path) -> None:
    (folder / "00000.tar").write_bytes(pack([("0000001.jpg", JPEG)]))


def _with_strangers(folder: Path) -> None:
    names = pq.read_table(folder / "00000.parquet")["key"].to_pylist()
    (folder / "00000.tar").write_bytes(pack([(f"{name}.jpg", JPEG) for name in [*names, "9999999"]]))


def _with_twins(folder: Path) -> None:
    table = pq.read_table(folder / "00000.parquet")
    pq.write_table(pa.concat_tables([table.slice(0, 29), table.slice(0, 1)]), folder / "00000.parquet")


DAMAGE = {
    "cut": (_cut, "unexpected end|cut short|another archive"),
    "an image is lacking": (_lacking, "says was downloaded"),
    "an image too many": (_with_strangers, "does not name"),
    "a key twice": (_with_twins, "names a key twice"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_tar_that_does_not_go_with_its_list_is_the_parts_error(tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(IMG2DATASET, tmp_path / "in")
    damage, words = DAMAGE[name]
    damage(folder)
    with pytest.raises(PartError, match=words) as caught:
        read(tar_of(folder), 0, 10)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("json", [b"{", b"[]", b'"text"', b"\xff", b'{"url": ["a"]}', b"[" * 100_000])
def test_json_that_cannot_be_read_is_the_parts_error(tmp_path: Path, json: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(pack([("a.jpg", JPEG), ("a.json", json)]))
    with pytest.raises(PartError, match=r"a\.json"):
        read(part_of(tmp_path / "a.tar", 1, "tar"))


def test_text_and_json_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    members = [
        ("a.jpg", JPEG),
        ("a.json", b'\xef\xbb\xbf{"url": "http://a/1"}'),
        ("a.txt", b"\xef\xbb\xbftext"),
    ]
    (tmp_path / "a.tar").write_bytes(pack(members))
    source = open_source(part_of(tmp_path / "a.tar", 1, "tar"), Batch("part", 0, 1), S3)
    assert isinstance(source, TarSource)
    assert source.table.select(["URL", "TEXT"]).to_pylist() == [{"URL": "http://a/1", "TEXT": "text"}]


@pytest.mark.parametrize("keys", [[1, 2, None, None], [b"1", b"2", None, None], ["1", "2", None, None]])
def test_keys_are_texts_or_numbers_and_rows_without_have_no_image(tmp_path: Path, keys: list[object]) -> None:
    (tmp_path / "00000.tar").write_bytes(pack([("1.jpg", JPEG), ("2.jpg", JPEG)]))
    pq.write_table(pa.table({"key": keys}), tmp_path / "00000.parquet")
    found = read(tar_of(tmp_path, 4))
    assert bodies(found) == [JPEG, JPEG, None, None]
    assert found[3] == Fetched(Status.NO_IMAGE, "not in the tar")


def test_another_version_of_tar_or_list_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(IMG2DATASET, tmp_path / "in")
    part = tar_of(folder)
    for name in ("00000.tar", "00000.parquet"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole + b"\0" * 512)
        with pytest.raises(PartError, match="changed"):
            read(part)
        (folder / name).write_bytes(whole)
