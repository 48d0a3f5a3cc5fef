"""Lists that are no parquet: converted once, a row out for each row in, damage by the number of its line."""

import csv
import gzip
import io
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from common.run.manifest import read_parts
from common.run.planned_part import Part
from common.settings import S3Settings
from common.store import absolute_uri, open_store
from producer.cli import main
from tests.processes import TOY, run_here
from tests.samples import write_part
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import Valkey
from workers.batch.rows import read_rows

NO_S3 = S3Settings()
ROWS = [
    ("http://192.0.2.1/0.jpg", "plain"),
    ("http://192.0.2.1/1.jpg?a=1,2&b=%2F", 'quoted "so", and\nover two lines'),
    ("http://192.0.2.1/é.jpg", "  blanks kept, tabs\ttoo  "),
    ("", ""),
    ("no url at all", "\U0001f600 é e\u0301"),
]
WIDTHS = ["640", "640.0", "", "wide", "1"]


@pytest.fixture
def environment(broker: Valkey, outside: Path) -> dict[str, str]:
    return {**TOY, "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "out"}


def enqueue(environment: dict[str, str], *arguments: object) -> "subprocess.CompletedProcess[str]":
    return run_here(main, "enqueue", *arguments, environment=environment)


def parts_of(output: str = "out", s3: S3Settings = NO_S3) -> list[Part]:
    return read_parts(open_store(absolute_uri(output), s3))


def rows_of(part: Part, s3: S3Settings = NO_S3, batch_rows: int = 10_000) -> list[dict[str, object]]:
    batches = part.batches(batch_rows)
    return [row for batch in batches for row in read_rows(part, batch, s3).to_pylist()]


def delimited(rows: Sequence[Sequence[str]], delimiter: str = ",", end: str = "\n") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    return text.getvalue().encode()


def table(delimiter: str = ",", end: str = "\n") -> bytes:
    header = ("url", "caption", "other", "width")
    rows = [(url, text, "x", width) for (url, text), width in zip(ROWS, WIDTHS, strict=True)]
    return delimited([header, *rows], delimiter, end)


def objects() -> bytes:
    keys = [{"url": url, "caption": text} for url, text in ROWS]
    widths = [640, 640.0, None, "wide", 1]
    return b"".join(
        json.dumps({**row, "width": width, "nested": {"a": [1]}}).encode() + b"\n"
        for row, width in zip(keys, widths, strict=True)
    )


def squeeze(body: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(body, asbytes=True))


FULL = {
    "list.csv": table(),
    "crlf.csv": table(end="\r\n"),
    "bom.csv": b"\xef\xbb\xbf" + table(),
    "no-last-end.csv": table().rstrip(b"\n"),
    "blank-lines.csv": table().replace(b"wide\n", b"wide\n\n\n") + b"\n",
    "list.tsv": table("\t"),
    "UPPER.CSV": table(),
    "list.csv.gz": gzip.compress(table()),
    "members.csv.gz": gzip.compress(table()[:40]) + gzip.compress(table()[40:]),
    "list.tsv.zst": squeeze(table("\t")),
    "list.jsonl": objects(),
    "crlf.jsonl": objects().replace(b"\n", b"\r\n"),
    "bom.ndjson": b"\xef\xbb\xbf" + objects(),
    "lines.json": objects(),
    "list.jsonl.gz": gzip.compress(objects()),
    "list.jsonl.zst": squeeze(objects().rstrip(b"\n")),
}


@pytest.mark.parametrize("name", FULL)
def test_a_row_for_each_row(name: str, environment: dict[str, str], outside: Path) -> None:
    (outside / name).write_bytes(FULL[name])
    done = enqueue(environment, name, "--batch-rows", 2)
    assert done.returncode == 0, done.stderr
    assert "3 batches queued from 1 parts" in done.stdout
    (part,) = parts_of()
    found = rows_of(part, batch_rows=2)
    assert [(row["URL"], row["TEXT"]) for row in found] == ROWS
    assert [row["WIDTH"] for row in found] == [640, 640, None, None, 1]
    assert {row["similarity"] for row in found} == {None}


TEXTS = {
    "list.txt": b"http://a/1\nhttp://a/2 \n\nnot one\n",
    "crlf.txt": b"\xef\xbb\xbfhttp://a/1\r\nhttp://a/2 \r\n\r\nnot one",
    "old-mac.txt": b"\xef\xbb\xbfhttp://a/1\rhttp://a/2 \r\rnot one\r",
    "list.txt.gz": gzip.compress(b"http://a/1\nhttp://a/2 \nnot one\n"),
    "list.txt.zst": squeeze(b"http://a/1\nhttp://a/2 \nnot one\n"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_has_a_link_a_line(name: str, environment: dict[str, str], outside: Path) -> None:
    (outside / name).write_bytes(TEXTS[name])
    assert enqueue(environment, name).returncode == 0
    (part,) = parts_of()
    assert [(row["URL"], row["TEXT"]) for row in rows_of(part)] == [
        ("http://a/1", None),
        ("http://a/2 ", None),
        ("not one", None),
    ]


def test_an_object_may_lack_keys_and_order_them_as_it_likes(
    environment: dict[str, str], outside: Path
) -> None:
    lines = [
        {"TEXT": "a", "URL": "http://a/1"},
        {"url": "http://a/2", "text": ["nested"], "caption": "b"},
        {"text": "no link"},
        {"URL": "http://a/4", "caption": 5, "similarity": 0.25, "hash": 2**62},
        {"image_url": "http://a/5", "alt": None},
    ]
    (outside / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert enqueue(environment, "list.jsonl").returncode == 0
    (part,) = parts_of()
    found = rows_of(part)
    assert [row["URL"] for row in found] == ["http://a/1", "http://a/2", None, "http://a/4", "http://a/5"]
    assert [row["TEXT"] for row in found] == ["a", "b", "no link", "5", None]
    assert (found[3]["similarity"], found[3]["hash"]) == (0.25, 2**62)


GOOD = "URL,TEXT\nhttp://a/1,a\nhttp://a/2,b\n"
DAMAGE: dict[str, tuple[bytes, int, str, int]] = {
    "few.csv": (GOOD.encode() + b"http://a/3\nhttp://a/4,d\n", 4, "1 values for 2 columns", 3),
    "many.csv": (GOOD.encode() + b"http://a/3,c,c\nhttp://a/4,d\n", 4, "3 values for 2 columns", 3),
    "latin.csv": (GOOD.encode() + b"http://a/3,\xe9\nhttp://a/4,d\n", 4, "TEXT is not UTF-8", 3),
    "latin-link.csv": (GOOD.encode() + b"http://a/\xe9,c\nhttp://a/4,d\n", 4, "URL is not UTF-8", 3),
    "later.csv": (GOOD.encode() + b'\n\nx,"a\nb"\nx\ny\n', 8, "1 values for 2 columns", 3),
    "many.tsv": (GOOD.replace(",", "\t").encode() + b"http://a/3\tc\tc\n", 4, "3 values for 2 columns", 2),
    "cut.jsonl": (b'{"URL": "a"}\n{"URL": "b\n{"URL": "c"}\n', 2, "not JSON", 2),
    "no-object.jsonl": (b'{"URL": "a"}\n\n[1]\n{"URL": "c"}\n', 3, "no JSON object", 2),
    "nested.jsonl": (b'{"URL": "a"}\n{"URL": ["b"]}\n{"URL": "c"}\n', 2, "column URL holds list", 2),
    "nested-text.jsonl": (b'{"URL": "a"}\n{"URL": "b", "TEXT": {}}\n', 2, "column TEXT holds list", 1),
    "surrogate.jsonl": (b'{"URL": "a"}\n{"URL": "\\ud800"}\n', 2, "surrogate", 1),
    "latin.jsonl": (b'{"URL": "a"}\n{"URL": "\xe9"}\n', 2, "not UTF-8", 1),
    "deep.jsonl": (b'{"URL": "a"}\n' + b"[" * 100_000 + b"\n", 2, "not JSON", 1),
    "digits.jsonl": (b'{"URL": "a"}\n' + b"1" * 10_000 + b"\n", 2, "not JSON", 1),
    "old-mac.txt": (b"http://a/1\r\rhttp://a/\xe9\rhttp://a/4\r\nhttp://a/5", 3, "not UTF-8", 3),
    "latin.txt": (b"http://a/1\n\nhttp://a/\xe9\nhttp://a/4\n", 3, "not UTF-8", 2),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_line_is_an_error_with_its_number(
    name: str, environment: dict[str, str], outside: Path
) -> None:
    body, line, reason, _ = DAMAGE[name]
    (outside / name).write_bytes(body)
    before = sorted(outside.rglob("*"))
    for command in ("enqueue", "local"):
        refused = run_here(main, command, name, environment=environment)
        said = [text for text in refused.stderr.splitlines() if not text.startswith("{")]
        assert (refused.returncode, refused.stdout, len(said)) == (2, "", 1), refused.stderr
        assert f"{name}: line {line}: " in said[0]
        assert reason in said[0]
        assert "--skip-bad-lines" in said[0]
        assert sorted(outside.rglob("*")) == before


@pytest.mark.parametrize("name", DAMAGE)
def test_or_it_is_left_out_and_counted(name: str, environment: dict[str, str], outside: Path) -> None:
    body, _, _, kept = DAMAGE[name]
    (outside / name).write_bytes(body)
    done = enqueue(environment, name, "--skip-bad-lines")
    assert done.returncode == 0, done.stderr
    (part,) = parts_of()
    assert part.rows == kept
    (said,) = [json.loads(line) for line in done.stderr.splitlines() if "bad lines" in line]
    assert said["lines"] == (2 if name == "later.csv" else 1)
    assert said["part"].endswith(name)


NO_LIST: dict[str, tuple[bytes, str]] = {
    "squeezed.csv": (b"BZh91AY" + bytes(100), "not a list but a bzip2 file"),
    "squeezed.txt": (b"\x04\x22\x4d\x18" + bytes(100), "not a list but an lz4 file"),
    "sheet.csv": (b"PK\x03\x04" + bytes(100), "not a list but an Excel workbook"),
    "part.csv": (b"PAR1" + bytes(100), "not a list but a parquet file; name it .parquet"),
    "packed.csv": (gzip.compress(GOOD.encode()), "not a list but a gzip file"),
    "wide.csv": (GOOD.encode("utf-16"), "not a list but text in UTF-16"),
    "plain.csv.gz": (GOOD.encode(), "not a gzip file, or cut short"),
    "short.csv.gz": (gzip.compress(GOOD.encode())[:-12], "cut short"),
    "short.txt.zst": (squeeze(b"http://a/\n" * 9)[:-3], "cut short"),
    "empty.csv": (b"", "no rows; leave it out"),
    "blank.jsonl": (b"\n \n", "no rows; leave it out"),
    "header.csv": (b"URL,TEXT\n", "no rows; leave it out"),
    "headless.csv": (b"http://a/1,a\nhttp://a/2,b\n", "no URL column among http://a/1, a"),
    "semicolons.csv": (b"URL;TEXT\nhttp://a/1;a\n", "no URL column among URL;TEXT"),
    "twins.csv": (b"URL,URL\na,b\n", "two columns are named URL"),
    "names.csv": (b"URL,\xff\na,b\n", "the name of a column is not UTF-8"),
    "open.csv": (
        GOOD.encode() + b'http://a/3,"c\nhttp://a/4,d\nhttp://a/5,e',
        "a quote that is never closed",
    ),
    "array.json": (b'[{"URL": "a"}]', "a JSON document"),
    "pretty.json": (b'{\n  "URL": "a"\n}\n', "a JSON document"),
    "document.jsonl": (b'{"images": [{"URL": "a"}]}\n', "no line has a URL"),
    "sheet.xlsx": (b"PK\x03\x04" + bytes(100), "an Excel workbook"),
    "sheet.xls": (b"\xd0\xcf\x11\xe0" + bytes(100), "an Excel workbook"),
    "table.arrow": (b"ARROW1" + bytes(100), "an Arrow file"),
    "list.doc": (b"URL,TEXT\na,b\n", "not a parquet file but text; name it .csv"),
}


@pytest.mark.parametrize("name", NO_LIST)
def test_what_is_no_list_is_named_in_one_line(name: str, environment: dict[str, str], outside: Path) -> None:
    body, line = NO_LIST[name]
    (outside / name).write_bytes(body)
    before = sorted(outside.rglob("*"))
    refused = enqueue(environment, name)
    said = [text for text in refused.stderr.splitlines() if not text.startswith("{")]
    assert (refused.returncode, refused.stdout, len(said)) == (2, "", 1), refused.stderr
    assert f"{name}: " in said[0]
    assert line in said[0]
    assert sorted(outside.rglob("*")) == before


def test_it_is_converted_once_and_a_changed_list_is_refused(
    environment: dict[str, str], outside: Path
) -> None:
    (outside / "list.csv").write_text(GOOD)
    assert "1 batches queued" in enqueue(environment, "list.csv").stdout
    (made,) = (outside / "out" / "input").iterdir()
    before = made.stat()
    again = enqueue(environment, "list.csv")
    assert "0 batches queued from 1 parts (0 done, 1 queued and 0 dead before)" in again.stdout
    assert (made.stat().st_ino, made.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    (outside / "list.csv").write_text(GOOD + "http://a/3,c\n")
    changed = enqueue(environment, "list.csv")
    assert (changed.returncode, changed.stdout) == (2, "")
    assert "a copy of another version of" in changed.stderr


def test_lists_and_parquet_together_in_the_order_they_are_named(
    environment: dict[str, str], outside: Path
) -> None:
    (outside / "1.csv").write_text(GOOD)
    write_part(outside / "2.parquet", 10)
    (outside / "3.txt").write_text("http://a/1\nhttp://a/2\nhttp://a/3\n")
    done = enqueue(environment, "1.csv", "2.parquet", "3.txt", "--limit-rows", 13)
    assert "3 batches queued from 3 parts" in done.stdout, done.stderr
    assert sorted(part.rows for part in parts_of()) == [1, 2, 10]
    globbed = enqueue(environment, "?.*", "--output", "other", "--batch-rows", 4)
    assert "5 batches queued from 3 parts" in globbed.stdout, globbed.stderr


def test_one_bad_list_among_good_parts_writes_nothing(environment: dict[str, str], outside: Path) -> None:
    (outside / "1.csv").write_text(GOOD)
    write_part(outside / "2.parquet", 10)
    (outside / "3.csv").write_text(GOOD + "x\n")
    before = sorted(outside.rglob("*"))
    refused = enqueue(environment, "1.csv", "2.parquet", "3.csv")
    assert refused.returncode == 2
    assert "3.csv: line 4: " in refused.stderr
    assert sorted(outside.rglob("*")) == before


def test_on_s3(environment: dict[str, str], s3_environment: Seaweed, outside: Path) -> None:
    bucket, settings = s3_environment.bucket("lists"), S3Settings(endpoint_url=s3_environment.endpoint_url)
    s3_environment.client().put_object(Bucket=bucket, Key="in/list.csv.gz", Body=gzip.compress(table()))
    own = {**environment, "FLEET_S3_ENDPOINT_URL": s3_environment.endpoint_url}
    output = f"s3://{bucket}/out"
    for sent in (1, 0):
        done = enqueue(own, f"s3://{bucket}/in/*.csv.gz", "--output", output)
        assert f"{sent} batches queued from 1 parts" in done.stdout, done.stderr
    (part,) = parts_of(output, settings)
    assert part.address.startswith(f"{output}/input/list-csv-gz-")
    assert [row["URL"] for row in rows_of(part, settings)] == [url for url, _ in ROWS]
