"""Pictures from the web and from files, made harmless by a process of its own."""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from common.settings import FetchSettings
from tests.servers.valkey import valkey
from tests.web.server import Web, redirect, reply, serve
from tests.workers.fetch.signs.images import mining, xmp_jpeg
from workers.fetch import Fetcher
from workers.thumbnails import Request, Thumbnailer, main

TakeHere = Callable[..., tuple[int, str, str]]
"""Exit code, standard output and standard error."""
OPEN = {"FLEET_FETCH_ALLOW_NETWORKS": "127.0.0.1/32", "FLEET_FETCH_RETRIES": "0"}


def encode_image(kind: str = "JPEG", size: tuple[int, int] = (900, 300), **options: object) -> bytes:
    body = BytesIO()
    image = Image.new("RGB", size, "teal")
    image.paste("orange", (0, 0, size[0] // 3, size[1]))
    image.save(body, kind, **options)
    return body.getvalue()


def telling_image() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "written by a human"
    exif[ExifTags.Base.Orientation] = 6
    return encode_image(exif=exif, comment=b"secret")


async def take(
    wanted: Sequence[Mapping[str, object]] | str, folder: Path, *, side: int = 320, **environment: str
) -> tuple[int, dict[str, tuple[str, str | None]], str]:
    """Run the module; exit code, status and error by id, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workers.thumbnails", "--output", str(folder), "--side", str(side),
        stdin=-1, stdout=-1, stderr=-1, env=OPEN | environment,
    )  # fmt: skip
    text = wanted if isinstance(wanted, str) else "".join(json.dumps(one) + "\n" for one in wanted)
    out, err = await process.communicate(text.encode())
    answers = [json.loads(line) for line in out.decode().splitlines()]
    assert len({answer["id"] for answer in answers}) == len(answers)
    by_id = {answer["id"]: (answer["status"], answer["error"]) for answer in answers}
    return process.returncode or 0, by_id, err.decode()


@pytest.fixture
def take_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> TakeHere:
    """Run the module in this process, for what ends before an image is touched."""

    def take(text: str, **environment: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["thumbnails", "--output", str(tmp_path)])
        monkeypatch.setattr(sys, "stdin", StringIO(text))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return main(), *capsys.readouterr()

    return take


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def urls(web: Web, *paths: str) -> list[Mapping[str, object]]:
    return [{"id": path.strip("/"), "url": web.url(path)} for path in paths]


async def test_every_image_comes_out_alike_and_says_nothing_of_its_origin(tmp_path: Path) -> None:
    pages = {
        "/jpeg": reply(telling_image()),
        "/png": reply(encode_image("PNG")),
        "/webp": reply(encode_image("WEBP")),
    }
    async with serve(pages) as web:
        code, answers, _ = await take(urls(web, *pages), tmp_path)
    assert code == 0
    assert answers == dict.fromkeys(("jpeg", "png", "webp"), ("ok", None))
    assert sorted(file.name for file in files(tmp_path)) == ["jpeg.jpg", "png.jpg", "webp.jpg"]
    tables = set()
    for file in files(tmp_path):
        with Image.open(file) as image:
            assert (image.format, image.mode) == ("JPEG", "RGB")
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
            assert image.size == ((107, 320) if file.stem == "jpeg" else (320, 107))
            tables.add(str(image.quantization))  # type: ignore[attr-defined]
        assert b"secret" not in file.read_bytes()
    assert len(tables) == 1


async def test_copies_in_20_sizes_have_nearly_the_same_cells(tmp_path: Path) -> None:
    with Image.open(BytesIO(encode_image())) as image:
        image.rotate(180).save(tmp_path / "turned", "PNG")
    sizes = [str(width) for width in range(90, 690, 30)]
    for width in sizes:
        (tmp_path / width).write_bytes(encode_image(size=(int(width), int(width) // 3), quality=60))
    settings = FetchSettings()
    async with Fetcher(settings) as fetcher:
        tool = Thumbnailer(fetcher, settings, tmp_path, 100)
        made = [await tool.make(Request(id=name, path=tmp_path / name)) for name in (*sizes, "turned")]
    first, *copies, turned = [bytes.fromhex(one.cells or "") for one in made]
    assert len(first) == 3 * 8 * 8
    assert all(_distance(first, copy) <= 12 for copy in copies)
    assert _distance(first, turned) > 100


def _distance(one: bytes, two: bytes) -> int:
    return max(abs(a - b) for a, b in zip(one, two, strict=True))


async def test_what_cannot_be_had_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    pages = {
        "/gone": reply(status="404 Not Found"),
        "/text": reply(b"<!doctype html>"),
        "/cut": reply(encode_image()[:300]),
        "/no-ai": reply(encode_image(), headers="X-Robots-Tag: noai\r\n"),
        "/inside": redirect("http://169.254.169.254/latest"),
        "/wide": reply(encode_image(size=(2000, 1000))),
        "/good": reply(encode_image(size=(20, 10))),
    }
    async with serve(pages) as web:
        wanted = [*urls(web, *pages), {"id": "file", "url": "file:///etc/passwd"}]
        _, answers, _ = await take(wanted, tmp_path, FLEET_FETCH_MAX_PIXELS="1000000")
    assert {name: status for name, (status, _) in answers.items()} == {
        "gone": "http_4xx", "text": "not_an_image", "cut": "decode_error", "no-ai": "opt_out",
        "inside": "blocked", "wide": "image_too_large", "file": "blocked", "good": "ok",
    }  # fmt: skip
    assert [file.name for file in files(tmp_path)] == ["good.jpg"]
    with Image.open(tmp_path / "good.jpg") as image:
        assert image.size == (20, 10)


async def test_the_sites_are_owed_what_workers_owe_them(tmp_path: Path) -> None:
    """Robots.txt, signs in the image, and a budget that is the fleet's."""
    pages = {
        "/robots.txt": reply(b"User-agent: *\nDisallow: /private"),
        "/private": reply(encode_image()),
        "/signed": reply(xmp_jpeg(mining("DMI-PROHIBITED"))),
        "/good": reply(encode_image()),
    }
    with valkey(tmp_path / "valkey") as redis:
        (tmp_path / "out").mkdir()
        async with serve(pages) as web:
            wanted = urls(web, "/private", "/signed", "/good")
            _, answers, _ = await take(wanted, tmp_path / "out", FLEET_MANNERS_URL=redis.url)
            assert any(redis.client().scan_iter("fleet:sites:*"))
    assert answers == {
        "private": ("opt_out", "robots.txt: Disallow: /private"),
        "signed": ("opt_out", "plus: DMI-PROHIBITED"),
        "good": ("ok", None),
    }


def test_without_a_contact_nothing_is_fetched(take_here: TakeHere) -> None:
    code, out, said = take_here('{"id": "a", "url": "http://8.8.8.8/a.jpg"}\n', FLEET_FETCH_CONTACT="")
    assert (code, out) == (2, "")
    assert said.startswith("error: FLEET_FETCH_CONTACT is not set")
    assert said.count("\n") == 1


async def test_local_files_are_read_under_the_same_limits(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    (source / "a.png").write_bytes(encode_image("PNG"))
    (source / "b.txt").write_text("no picture")
    (source / "c.jpg").write_bytes(encode_image() + bytes(30_000))
    wanted = [{"id": name[0], "path": str(source / name)} for name in ("a.png", "b.txt", "c.jpg", "d.jpg")]
    _, answers, _ = await take(wanted, out, FLEET_FETCH_MAX_BYTES="20000")
    assert {name: status for name, (status, _) in answers.items()} == {
        "a": "ok", "b": "not_an_image", "c": "too_large", "d": "invalid_url",
    }  # fmt: skip


@pytest.mark.parametrize(
    "bad", ["{", '{"id": "../a", "url": "x"}', '{"id": "a"}', '{"id": "a", "url": "x", "path": "y"}']
)
def test_lines_that_are_no_wishes_are_refused_before_anything_is_fetched(
    take_here: TakeHere, bad: str
) -> None:
    code, out, said = take_here('{"id": "a", "url": "http://127.0.0.1:1/"}\n' + bad)
    assert (code, out) == (2, "")
    assert said.startswith("error: standard input: ")
    assert said.count("\n") == 1


async def test_where_no_image_was_had_no_folder_is_needed(tmp_path: Path) -> None:
    code, answers, _ = await take([{"id": "a", "path": __file__}], tmp_path / "missing")
    assert code == 0
    assert answers["a"][0] == "not_an_image"


async def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode_image("PNG"))
    wanted = [{"id": "a", "path": str(tmp_path / "a.png")}]
    code, answers, said = await take(wanted, tmp_path / "missing")
    assert (code, answers) == (2, {})
    assert said == f"error: {tmp_path / 'missing'}: No such file or directory; can it be written?\n"
