"""Inputs with images: what each PART becomes, and the one line where nothing in it can be captioned."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import FleetError
from common.run.part import PartError, open_part
from common.run.planned_part import Part
from common.settings import S3Settings
from common.store import open_store
from producer import addresses, plan, planner, useless
from producer.addresses import expand
from producer.images import tar
from producer.options import EnqueueOptions
from producer.sources import plan_sources
from tests.archives.inputs import AS_IS, COLUMN, FILES, FOLDER, IMG2DATASET, JPEG, SHAPES, pack
from tests.logs import log_lines
from tests.samples import write_part
from tests.servers.hub import REPOSITORY, hub
from tests.servers.seaweed import Seaweed

NO_S3 = S3Settings()
ROOT = Path(__file__).parents[3]


def planned(run: Path, *arguments: object, s3: S3Settings = NO_S3, **options: object) -> list[Part]:
    store = open_store(str(run), s3)
    named = expand(map(str, arguments), s3, store.uri)
    return plan_sources(named, store, 10, s3, EnqueueOptions(**options))  # type: ignore[arg-type]


def kinds(parts: list[Part]) -> list[tuple[str, int, bool]]:
    return [(part.kind, part.rows, part.beside is not None) for part in parts]


def index(part: Part) -> dict[str, str | None]:
    table = pq.read_table(part.address)
    return dict(zip(table["path"].to_pylist(), table["TEXT"].to_pylist(), strict=True))


def test_each_kind_of_part_alone_and_all_in_one_run(tmp_path: Path) -> None:
    inputs = [IMG2DATASET, SHAPES, COLUMN, FOLDER, AS_IS, write_part(tmp_path / "links.parquet", rows=5)]
    listed = [("tar", 30, True), ("tar", 30, True), ("tar", 12, False), ("images", 12, False)]
    assert kinds(planned(tmp_path / "run", *inputs)) == [
        *listed, ("folder", 13, False), ("tar", 30, True), ("links", 5, False)
    ]  # fmt: skip


def test_a_list_beside_its_tar_is_the_tar_however_it_is_named(tmp_path: Path) -> None:
    for number, name in enumerate(("00000.tar", "00000.parquet", "0000[0].*", "00000.p*")):
        with log_lines(plan) as lines:
            (part,) = planned(tmp_path / str(number), IMG2DATASET / name)
        assert kinds([part]) == [("tar", 30, True)]
        assert ("--as links" in str(lines)) == ("p" in name or "*" in name)


def test_a_list_is_the_folder_of_its_name_where_img2dataset_wrote_files(tmp_path: Path) -> None:
    for number, argument in enumerate((FILES, FILES / "00000.parquet")):
        with log_lines(plan) as lines:
            (part,) = planned(tmp_path / str(number), argument)
        assert (part.kind, part.rows, part.folder) == ("folder", 15, str(FILES / "00000"))
        (warned,) = [line["event"] for line in lines if line["log_level"] == "warning"]
        assert "--as links" in warned
    assert kinds(planned(tmp_path / "links", FILES, as_links=True)) == [("links", 15, False)]


def test_files_of_a_shard_without_a_success_need_no_folder(tmp_path: Path) -> None:
    shutil.copytree(FILES, tmp_path / "in")
    shutil.rmtree(tmp_path / "in/00000")
    with log_lines(plan) as lines:
        assert kinds(planned(tmp_path / "links", tmp_path / "in")) == [("links", 15, False)]
    assert "its links are downloaded" in str(lines)
    (tmp_path / "in/00000_stats.json").write_text('{"count": 15, "successes": 0}')
    assert kinds(planned(tmp_path / "images", tmp_path / "in")) == [("folder", 15, False)]


def test_the_list_beside_a_tar_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_and_note(address: str, *arguments: Any, **named: Any) -> Any:
        opened.append(Path(address).name)
        return open_part(address, *arguments, **named)

    for module in (tar, planner):
        monkeypatch.setattr(module, "open_part", open_and_note)
    planned(tmp_path / "folder", IMG2DATASET)
    planned(tmp_path / "list", IMG2DATASET / "00000.parquet")
    assert sorted(opened) == sorted(["00000.tar", "00000.parquet"] * 2 + ["00001.tar", "00001.parquet"])


def test_as_links_takes_the_lists(tmp_path: Path) -> None:
    parts = planned(tmp_path / "run", IMG2DATASET, as_links=True)
    assert kinds(parts) == [("links", 30, False)] * 2
    with pytest.raises(PartError, match="leave --as links out"):
        planned(tmp_path / "other", SHAPES, as_links=True)


def test_a_parquet_with_images_and_links_is_read_as_images_and_says_so(tmp_path: Path) -> None:
    both = pq.read_table(COLUMN).append_column("url", pa.array(["http://a.example/1"] * 12))
    pq.write_table(both, tmp_path / "both.parquet")
    with log_lines(plan) as lines:
        assert kinds(planned(tmp_path / "run", tmp_path / "both.parquet")) == [("images", 12, False)]
    assert "--as links" in str(lines)
    parts = planned(tmp_path / "links", tmp_path / "both.parquet", as_links=True)
    assert kinds(parts) == [("links", 12, False)]


@pytest.mark.parametrize("name", ["image", "jpg", "IMG"])
def test_a_column_of_plain_bytes_is_one_of_images(tmp_path: Path, name: str) -> None:
    pq.write_table(pa.table({name: [JPEG, None], "caption": ["a", "b"]}), tmp_path / "a.parquet")
    assert kinds(planned(tmp_path / "run", tmp_path / "a.parquet")) == [("images", 2, False)]


def test_a_folder_says_what_people_wrote(tmp_path: Path) -> None:
    (part,) = planned(tmp_path / "run", FOLDER)
    texts = index(part)
    told = [json.loads(line) for line in (FOLDER / "metadata.jsonl").read_text().splitlines()]
    assert {row["file_name"]: row["text"] for row in told}.items() <= texts.items()
    assert texts["10.jpg"] == (FOLDER / "10.txt").read_text().strip()
    assert texts["11.jpg"] is None
    assert (part.folder, len(texts)) == (str(FOLDER), 13)


def test_metadata_as_csv_and_in_folders_below(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/2.jpg", "b/c/3.PNG"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(JPEG)
    (tmp_path / "in/a/metadata.csv").write_text('\ufefffile_name,caption\r\n1.jpg,"one, or\nmore"\r\n')
    (tmp_path / "in/metadata.jsonl").write_text('{"file_name": "b/c/3.PNG", "text": "three", "width": 7}\n')
    (part,) = planned(tmp_path / "run", tmp_path / "in")
    assert index(part) == {"a/1.jpg": "one, or\nmore", "a/2.jpg": None, "b/c/3.PNG": "three"}
    assert pq.read_table(part.address)["WIDTH"].to_pylist() == [None, None, 7]


def test_what_people_write_beside_images(tmp_path: Path) -> None:
    files = {
        "A.JPG": JPEG,
        "A.TXT": b"upper",
        "b.jpg": JPEG,
        "b.jpg.txt": b"\xef\xbb\xbfmarked\r\n",
        "c.jpg": JPEG,
    }
    (tmp_path / "in/c").mkdir(parents=True)
    for name, body in files.items():
        (tmp_path / "in" / name).write_bytes(body)
    pq.write_table(
        pa.table({"file_name": ["./c.jpg"], "caption": ["told"]}), tmp_path / "in/metadata.parquet"
    )
    with log_lines(addresses) as lines:
        (part,) = planned(tmp_path / "run", tmp_path / "in")
    assert index(part) == {"A.JPG": "upper", "b.jpg": "marked", "c.jpg": "told"}
    assert not [line for line in lines if line["log_level"] == "warning"]


def test_parquet_that_is_called_metadata_is_a_list_where_no_images_are(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_part(tmp_path / "in/metadata.parquet", rows=5)
    assert kinds(planned(tmp_path / "run", tmp_path / "in")) == [("links", 5, False)]


def test_a_parquet_beside_a_tar_without_keys_is_a_part_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.tar").write_bytes(SHAPES.read_bytes())
    for number, keys in enumerate(([["1"]], [1.5])):
        pq.write_table(pa.table({"key": keys, "url": ["http://a/1"]}), tmp_path / "in/a.parquet")
        parts = planned(tmp_path / str(number), tmp_path / "in")
        assert kinds(parts) == [("links", 1, False), ("tar", 12, False)]


def test_images_by_glob_and_one_by_one(tmp_path: Path) -> None:
    (glob,) = planned(tmp_path / "a", FOLDER / "*.jpg")
    (single,) = planned(tmp_path / "b", FOLDER / "1.jpg", FOLDER / "2.jpg")
    assert (glob.rows, single.rows) == (8, 2)
    assert set(index(single)) == {"1.jpg", "2.jpg"}


def test_doing_it_again_adds_nothing_and_a_changed_folder_is_said(tmp_path: Path) -> None:
    images = shutil.copytree(FOLDER, tmp_path / "in")
    assert planned(tmp_path / "run", images) == planned(tmp_path / "run", images)
    (images / "new.jpg").write_bytes(JPEG)
    with pytest.raises(FleetError, match="another --output"):
        planned(tmp_path / "run", images)


def _half_written(folder: Path) -> Path:
    shutil.copytree(IMG2DATASET, folder)
    (folder / "00001_stats.json").unlink()
    return folder


def _alone(folder: Path) -> Path:
    _half_written(folder)
    (folder / "00000_stats.json").unlink()
    return folder


def _paths_alone(folder: Path) -> Path:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": None, "path": "/data/1.jpg"}] * 3, kind)
    folder.mkdir()
    pq.write_table(pa.table({"image": images}), folder / "a.parquet")
    return folder


def _without_images(folder: Path) -> Path:
    folder.mkdir()
    (folder / "README.md").write_text("nothing here")
    return folder


def _empty_tar(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.tar").write_bytes(pack([]))
    return folder


def _compressed_tar(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.tar.gz").write_bytes(gzip.compress(SHAPES.read_bytes()))
    return folder


USELESS = {
    "a compressed tar": (_compressed_tar, "a compressed tar; decompress it"),
    "half-written": (_alone, "has not finished"),
    "paths alone": (_paths_alone, "paths without bytes"),
    "no images": (_without_images, "no parquet, tar or image there"),
    "an empty tar": (_empty_tar, "a tar without images"),
}


@pytest.mark.parametrize("name", USELESS)
def test_nothing_to_caption_is_one_line_alone_and_a_warning_beside_good_parts(
    tmp_path: Path, name: str
) -> None:
    make, words = USELESS[name]
    useless = make(tmp_path / "in")
    with pytest.raises(PartError, match=words) as caught:
        planned(tmp_path / "run", useless)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "run").rglob("*.*"))
    assert kinds(planned(tmp_path / "both", useless, SHAPES)) == [("tar", 12, False)]


def test_a_shard_that_is_not_finished_is_left_out_and_counted(tmp_path: Path) -> None:
    with log_lines(useless) as lines:
        (part,) = planned(tmp_path / "run", _half_written(tmp_path / "in"))
    assert part.address.endswith("00000.tar")
    assert {"event": "left out", "parts": 1} .items() <= next(
        line for line in lines if line["event"] == "left out"
    ).items()  # fmt: skip


UNFINISHED: Mapping[str, tuple[str, ...]] = {
    "no list yet": ("without 00001.parquet",),
    "a list without its end": ("cut 00001.parquet",),
    "an empty list": ("empty 00001.parquet",),
    "no tar yet": ("without 00001.tar",),
    "no tar yet, a list without its end": ("without 00001.tar", "cut 00001.parquet"),
    "a tar without its end": ("cut 00001.tar",),
}


def _damage(folder: Path, how: str) -> None:
    what, name = how.split()
    body = (folder / name).read_bytes()
    (folder / name).unlink()
    if what != "without":
        (folder / name).write_bytes(body[: len(body) // 2] if what == "cut" else b"")


@pytest.mark.parametrize("name", UNFINISHED)
def test_whatever_a_writer_at_work_has_done_so_far_stops_nobody(tmp_path: Path, name: str) -> None:
    folder = _half_written(tmp_path / "in")
    for how in UNFINISHED[name]:
        _damage(folder, how)
    assert [Path(part.address).name for part in planned(tmp_path / "run", folder)] == ["00000.tar"]


def test_files_that_are_not_finished_are_left_out(tmp_path: Path) -> None:
    shutil.copytree(FILES, tmp_path / "in")
    for body in ((tmp_path / "in/00000.parquet").read_bytes(), b"PAR1"):
        (tmp_path / "in/00001.parquet").write_bytes(body)
        (tmp_path / "in/00001").mkdir(exist_ok=True)
        (tmp_path / "in/00001/0000015.jpg").write_bytes(JPEG)
        assert kinds(planned(tmp_path / str(len(body)), tmp_path / "in")) == [("folder", 15, False)]


def test_an_empty_tar_with_its_list_is_valid(tmp_path: Path) -> None:
    folder = shutil.copytree(IMG2DATASET, tmp_path / "in")
    (folder / "00000.tar").write_bytes(pack([]))
    assert [part.rows for part in planned(tmp_path / "run", folder)] == [30, 30]


BAD_METADATA: Mapping[str, tuple[str, str, str]] = {
    "no JSON": ("metadata.jsonl", "{", "metadata.jsonl"),
    "no name": ("metadata.jsonl", '{"text": "a"}\n', "row 1 has no file_name"),
    "a way out": ("metadata.jsonl", '{"file_name": "../../etc/passwd"}\n', "does not lie below"),
    "twice": ("metadata.csv", "file_name,text\n1.jpg,a\n1.jpg,b\n", "a second time"),
    "absolute": ("metadata.csv", "file_name\n/etc/passwd\n", "does not lie below"),
    "Latin-1": ("metadata.csv", "file_name,text\n1.jpg,\udce9\n", "metadata.csv"),
}


@pytest.mark.parametrize("name", BAD_METADATA)
def test_metadata_that_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    file, text, words = BAD_METADATA[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "in/1.jpg").write_bytes(JPEG)
    (tmp_path / "in" / file).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(PartError, match=words) as caught:
        planned(tmp_path / "run", tmp_path / "in")
    assert "\n" not in str(caught.value)


def test_s3_and_the_hub_give_the_same_plans(
    tmp_path: Path, s3: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, client = s3.bucket("archives"), s3.client()
    files: dict[str, bytes] = {}
    for source in (IMG2DATASET, FOLDER):
        for path in source.rglob("*.*"):
            files[f"{source.name}/{path.relative_to(source)}"] = path.read_bytes()
    for key, body in files.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    here = planned(tmp_path / "here", IMG2DATASET, FOLDER)
    there = planned(tmp_path / "s3", *(f"s3://{bucket}/{source}" for source in ("img2dataset", "folder")),
                    s3=S3Settings(endpoint_url=s3.environment["FLEET_S3_ENDPOINT_URL"]))  # fmt: skip
    assert kinds(here) == kinds(there)
    assert index(here[2]) == index(there[2])
    assert _planned_on_hub(files, tmp_path) == str(kinds(here[:2]))


PLAN = f"""
import sys
from tests.producer.images.test_planning import kinds, planned
print(kinds(planned(sys.argv[1], "hf://datasets/{REPOSITORY}/img2dataset")))
"""


def _planned_on_hub(files: dict[str, bytes], folder: Path) -> str:
    """In a process of its own: huggingface_hub learns its address when it is imported."""
    with hub(files) as address:
        there = {"HF_ENDPOINT": address, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1"}
        answer = subprocess.run(
            [sys.executable, "-c", PLAN, folder / "hub"],
            env=os.environ | there,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    return answer.stdout.strip().splitlines()[-1]
