"""A message that can never be done is told from one that has to wait."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.queue.message import Message
from common.run.layout import part_key
from common.run.manifest import Run
from common.run.model_refs import model_refs
from common.run.part import PartError
from common.run.planned_part import Beside, Part
from common.settings import Settings
from tests.samples import write_part
from workers.batch import ForeignMessageError, find_work, read_batch
from workers.delivery.blame import Reaction, blame

HUGE = 2 << 20


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models="fake", output=str(tmp_path / "runs"))


def make_run(output: Path, settings: Settings, **fields: Any) -> Part:
    """A run of one part, as its producer writes it, but for some fields of the part."""
    made = Run(version="0", batch_rows=5, models=model_refs(settings), sampling=settings.sampling)
    part = Part.model_construct(**{"id": "a-1", "address": "/in/a", "rows": 10, "size": 1, **fields})
    (output / "parts").mkdir(parents=True)
    (output / "run.json").write_bytes(made.to_json())
    (output / part_key("a-1")).write_bytes(part.to_json())
    return part


def message(run: object) -> Message:
    return Message(run=str(run), part="a-1", first_row=0)


PLACES: dict[str, Callable[[Path], str]] = {
    "below a file": lambda runs: f"{runs}/one/run.json",
    "below a file, deeper": lambda runs: f"{runs}/one/run.json/x/y",
    "a long name": lambda runs: f"{runs}/" + "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 90,
    "a zero byte": lambda runs: f"{runs}/a\0b",
    "links in a circle": lambda runs: f"{runs}/circle/x",
    "http": lambda _: "http://127.0.0.1:1/x",
    "a step up": lambda runs: f"{runs}/../x",
    "another folder": lambda runs: f"{runs}x",
    "nothing": lambda runs: f"{runs}/none",
}


@pytest.mark.parametrize("name", PLACES)
def test_a_run_that_can_never_be(name: str, settings: Settings, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    make_run(runs / "one", settings)
    (runs / "circle").symlink_to(runs / "circle")
    with pytest.raises(ForeignMessageError):
        find_work(Message.model_construct(run=PLACES[name](runs), part="a-1", first_row=0), settings)


def nest(levels: int) -> bytes:
    return b"[" * levels


def put_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def put_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def put_device(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")


def put_circle(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


SPOILS: dict[str, Callable[[Path], object]] = {
    "garbage": lambda file: file.write_bytes(b"\xff{"),
    "nested": lambda file: file.write_bytes(nest(200_000)),
    "another object": lambda file: file.write_text('{"a": 1}'),
    "oversize": lambda file: file.write_bytes(b" " * HUGE),
    "sparse": lambda file: os.truncate(file, 1 << 40),
    "a folder": put_folder,
    "a pipe": put_pipe,
    "a device": put_device,
    "a circle": put_circle,
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("spoil", SPOILS)
@pytest.mark.parametrize("key", ["run.json", part_key("a-1")])
def test_a_manifest_that_is_none(key: str, spoil: str, settings: Settings, tmp_path: Path) -> None:
    make_run(tmp_path / "runs", settings)
    SPOILS[spoil](tmp_path / "runs" / key)
    with pytest.raises(ForeignMessageError):
        find_work(message(tmp_path / "runs"), settings)


def test_the_plan_of_another_part_is_none(settings: Settings, tmp_path: Path) -> None:
    make_run(tmp_path / "runs", settings, id="b-2")
    with pytest.raises(ForeignMessageError, match="the plan of another part"):
        find_work(message(tmp_path / "runs"), settings)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/a.parquet",
        "relative.parquet",
        "",
        "/in/../a.parquet",
        "/in/a\0.parquet",
        "/in/" + "a" * 300,
        "/dev/zero",
        "s3://",
        "s3://bu cket/a",
        "s3://bucket/../a",
        "s3://bucket/" + "a" * 1100,
        "hf://",
        "hf://datasets/a",
        "hf://datasets/a b/c/d",
    ],
)
def test_a_part_that_can_never_be_read_is_to_blame(address: str, settings: Settings, tmp_path: Path) -> None:
    make_run(tmp_path / "runs", settings, address=address)
    with pytest.raises(PartError) as raised:
        read_batch(find_work(message(tmp_path / "runs"), settings), settings)
    assert blame(raised.value).reaction is Reaction.GIVE_UP
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("in_the_way", ["shards", "shards/a-1", ".tmp"])
def test_what_lies_in_the_way_of_a_shard(in_the_way: str, settings: Settings, tmp_path: Path) -> None:
    make_run(tmp_path / "runs", settings)
    path = tmp_path / "runs" / in_the_way
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file")
    work = find_work(message(tmp_path / "runs"), settings)
    with pytest.raises(Exception, match="in the way") as raised:
        work.store.create(work.batch.shard_key, b"")
    assert blame(raised.value).reaction is Reaction.SET_ASIDE


# FLEET_PARTS_ALLOW


def find(address: str, settings: Settings, tmp_path: Path, *allowed: str) -> None:
    make_run(tmp_path / "runs", settings, address=address)
    find_work(message(tmp_path / "runs"), settings.model_copy(update={"parts_allow": allowed}))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("/in/a.parquet", ()),
        ("/in/a.parquet", ("/in",)),
        ("/in/a.parquet", ("/other", "/in/")),
        ("/in/a.parquet", ("/in/a.parquet",)),
        ("s3://bucket/in/a", ("s3://bucket",)),
        ("s3://bucket/in/a", ("s3://bucket/in/",)),
        ("hf://datasets/lab/links/a", ("hf://datasets/lab/links",)),
        ("hf://datasets/lab/links@main/a", ("hf://datasets/lab/links/",)),
        ("hf://datasets/lab/links@refs%2Fpr%2F1/a", ("hf://datasets/lab/links",)),
        ("hf://datasets/lab/links/in/a", ("hf://datasets/lab/links/in",)),
        ("/in/a.parquet", ("file:///in",)),
        ("/in/a..b/..a", ("/in//",)),
    ],
)
def test_parts_in_allowed_places(
    address: str, allowed: tuple[str, ...], settings: Settings, tmp_path: Path
) -> None:
    find(address, settings, tmp_path, *allowed)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("/etc/passwd", ("/in",)),
        ("/input/a", ("/in",)),
        ("/in/../etc/passwd", ("/in",)),
        ("s3://other/in/a", ("s3://bucket",)),
        ("s3://bucket/in/../secret", ("s3://bucket/in",)),
        ("s3://bucket/in?/a", ("s3://bucket/in",)),
        ("s3://bucket/in#/a", ("s3://bucket/in",)),
        ("s3://bucket/input", ("s3://bucket/in",)),
        ("s3://bucket/in/a", ("/in", "hf://datasets/lab/links")),
        ("hf://datasets/lab/links-private/a", ("hf://datasets/lab/links",)),
        ("hf://datasets/lab/links/../private/a", ("hf://datasets/lab/links",)),
        ("hf://datasets/lab/links/a", ("s3://bucket",)),
        ("hf://datasets/lab/links@%2e%2e/a", ("hf://datasets/lab/links",)),
        ("hf://datasets/lab/links@..%2f..%2fprivate/a", ("hf://datasets/lab/links",)),
        ("hf://datasets/lab/links/in@private/a", ("hf://datasets/lab/links/in",)),
        ("HF://datasets/lab/links/a", ("hf://datasets/lab/links",)),
        ("S3://bucket/in/a", ("s3://bucket/in",)),
        ("s3://BUCKET/in/a", ("s3://bucket/in",)),
        ("s3://bucket//in/a", ("s3://bucket/in",)),
        ("s3://bucket/in/%2e%2e/../secret", ("s3://bucket/in",)),
        ("s3://bucket/in/a/", ("s3://bucket/in",)),
        ("file:///in/a", ("/in",)),
        ("//in/a", ("/in",)),
        ("/in//a", ("/in",)),
        ("/in/./a", ("/in",)),
        ("/IN/a", ("/in",)),
    ],
)
def test_parts_elsewhere_are_foreign(
    address: str, allowed: tuple[str, ...], settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(ForeignMessageError, match="outside FLEET_PARTS_ALLOW"):
        find(address, settings, tmp_path, *allowed)


@pytest.mark.parametrize("linked", ["allowed/a.parquet", "runs/input/a.parquet"])
def test_a_link_leads_nowhere_else(linked: str, settings: Settings, tmp_path: Path) -> None:
    secret, link = write_part(tmp_path / "secret.parquet"), tmp_path / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(secret)
    with pytest.raises(ForeignMessageError, match="outside FLEET_PARTS_ALLOW"):
        find(str(link), settings, tmp_path, str(tmp_path / "allowed"))


@pytest.mark.parametrize("linked", ["runs/input", "runs/staged", "allowed/in"])
def test_a_linked_folder_leads_nowhere_else(linked: str, settings: Settings, tmp_path: Path) -> None:
    write_part(tmp_path / "secret" / "a.parquet")
    link = tmp_path / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "secret")
    with pytest.raises(ForeignMessageError, match="outside FLEET_PARTS_ALLOW"):
        find(f"{link}/a.parquet", settings, tmp_path, str(tmp_path / "allowed"))


def test_links_of_the_operator_are_followed(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "allowed").symlink_to(tmp_path / "disk")
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    for own in ("allowed/a.parquet", "runs/input/a.parquet"):
        make_run(tmp_path / "runs", settings, address=str(write_part(tmp_path / own)))
        bound = settings.model_copy(update={"parts_allow": (str(tmp_path / "allowed"),)})
        find_work(message(tmp_path / "runs"), bound)
        shutil.rmtree(tmp_path / "runs" / "parts")


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "folder", "folder": "/etc"},
        {"kind": "folder", "folder": "s3://bucket/secret"},
        {"kind": "tar", "beside": Beside(address="/etc/a.parquet", size=1)},
    ],
)
def test_every_place_that_a_part_names_is_bound(
    fields: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    make_run(tmp_path / "runs", settings, **fields)
    bound = settings.model_copy(update={"parts_allow": ("/in", "s3://bucket/in")})
    find_work(message(tmp_path / "runs"), settings)
    with pytest.raises(ForeignMessageError, match="outside FLEET_PARTS_ALLOW"):
        find_work(message(tmp_path / "runs"), bound)


def test_what_the_run_itself_holds_is_allowed(settings: Settings, tmp_path: Path) -> None:
    own = write_part(tmp_path / "runs" / "input" / "a.parquet")
    find(str(own), settings, tmp_path, "/elsewhere")


def test_the_setting_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_PARTS_ALLOW", "/in, s3://bucket/in")
    assert Settings(models="fake").parts_allow == ("/in", "s3://bucket/in")
