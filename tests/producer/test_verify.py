"""`verify` over what strangers write, over many shards, in parts, and by sample."""

import io
import json
import math
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.console.words import printable, quote
from common.run.batch import Batch
from common.run.manifest import read_run
from common.settings import S3Settings
from producer.audit import Audit, Shard
from producer.auditing import CHUNK, Auditor, audit_all
from producer.journal import FileJournal, NoJournal, journal_path
from producer.readers import open_readers
from producer.sample import choose_sample, judge_sample, parse_percent, sample_size
from tests.producer.deadly import die_of_every_hundredth, tell_key
from tests.producer.world import World

EVIL = "\x1b]0;pwned\x07\x1b[2J\u202eall good"


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def changed(body: bytes, provenance: dict[str, object] | str | None = None, **columns: object) -> bytes:
    """A shard as somebody who may write to the bucket can make it."""
    table = pq.read_table(io.BytesIO(body))
    for name, values in columns.items():
        index = table.schema.get_field_index(name)
        table = table.set_column(index, name, pa.array(values, table.schema.field(name).type))
    metadata = dict(table.schema.metadata or {})
    if provenance is not None:
        said = json.loads(metadata[b"fleet"])
        text = provenance if isinstance(provenance, str) else json.dumps({**said, **provenance})
        metadata[b"fleet"] = text.encode()
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    return sink.getvalue()


def model(name: str) -> dict[str, object]:
    return {
        "models": {"captioner": {"name": name, "revision": "x"}, "model_dump": {"name": "", "revision": ""}}
    }


HOSTILE: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("null status", lambda body: changed(body, status=["ok"] * 9 + [None]), "unknown statuses: ['None']"),
    ("evil status", lambda body: changed(body, status=["ok"] * 9 + [EVIL]), "unknown statuses"),
    ("null row", lambda body: changed(body, row=[None] * 10), "other rows than"),
    ("null part", lambda body: changed(body, part=[None] * 10), "other rows than"),
    ("deep provenance", lambda body: changed(body, "[" * 200_000), "unreadable provenance"),
    ("deep object", lambda body: changed(body, '{"models":' * 100_000), "unreadable provenance"),
    ("number for models", lambda body: changed(body, {"models": 1}), "unreadable provenance"),
    ("null for sampling", lambda body: changed(body, {"sampling": None}), "unreadable provenance"),
    ("no UTF-8", lambda body: changed(body, {}).replace(b'"sampling"', b'"samp\xff\xfeng"'), "provenance"),
    ("evil model", lambda body: changed(body, model(EVIL)), "made "),
    ("sampling of another", lambda body: changed(body, {"sampling": {"lanes": EVIL}}), "made with lanes"),
    ("long run", lambda body: changed(body, {"run": "x" * 1_000_000}), "made by another run"),
    ("no parquet", lambda _: b"PAR1" * 3, "not readable"),
    ("text", lambda _: b"hello", "not readable"),
]


@pytest.mark.parametrize(
    ("make", "problem"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_a_hostile_shard_is_a_line_and_hides_no_other(
    world: World, make: Callable[[bytes], bytes], problem: str
) -> None:
    first, second, _ = world.batches
    world.store.create(first.shard_key, make(world.shard(first)))
    world.finish(second)
    code, out, errors = world.command("verify")
    assert code == 1, errors
    lines = out.splitlines()
    assert any(first.id in line and problem in line for line in lines), out
    assert lines[-1] == f"batch {world.batches[2].id}: missing"
    assert all(line.isprintable() and len(line) < 400 for line in lines)
    assert not any(second.id in line for line in lines)


@pytest.mark.parametrize(
    "record",
    [
        {"error": ""},
        {"error": " \n "},
        {"error": EVIL},
        {"error": "x" * 1_000_000},
        {"reason": "none"},
        {"error": None},
        "[" * 200_000,
        "",
        "\xff",
    ],
)
def test_a_hostile_failure_record_is_a_line(world: World, record: dict[str, object] | str) -> None:
    first = world.batches[0]
    good = {"batch": first.id, "reason": "error", "error": "e", "worker": "w", "version": "x", "at": "y"}
    text = record if isinstance(record, str) else json.dumps({**good, **record})
    world.store.create(f"failed/{first.id}.json", text.encode("latin-1"))
    code, out, _ = world.command("verify")
    assert code == 1
    assert f"batch {first.id}: dead" in out
    assert all(line.isprintable() and len(line) < 400 for line in out.splitlines())
    assert len(out.splitlines()) == 4


def test_strange_names_among_shards_and_parts_are_printable(world: World, outside: Path) -> None:
    (outside / "out/shards" / EVIL).mkdir(parents=True)
    (outside / "out/shards" / EVIL / "x.parquet").write_bytes(b"")
    (outside / "out/parts" / f"{EVIL}.json").write_text("{")
    _, out, _ = world.command("verify")
    assert "belongs to no batch" in out
    assert all(line.isprintable() for line in out.splitlines())


def test_a_word_of_a_stranger_moves_no_cursor() -> None:
    assert printable(EVIL) == r"\x1b]0;pwned\x07\x1b[2J\u202eall good"
    assert printable("naïve 中文 ok") == "naïve 中文 ok"
    assert printable("\udcff\n\t\x9b") == r"\udcff\n\t\x9b"
    assert quote("a\n b\tc") == "a b c"
    assert len(quote("x" * 10_000_000)) == 200
    assert quote(None) == "None"


def shards(batches: list[Batch], times: int) -> list[Shard]:
    return [Shard(number, batches[number % len(batches)], number) for number in range(times)]


@pytest.fixture
def kept() -> Iterator[Callable[[Path], FileJournal]]:
    """Journals, closed at the end."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(closing(FileJournal(path)))


def auditor(world: World) -> Auditor:
    run = read_run(world.store)
    assert run is not None
    return Auditor(world.store.uri, run, S3Settings())


def test_processes_say_what_one_process_says(world: World) -> None:
    for batch in world.batches[:2]:
        world.finish(batch)
    world.store.create(world.batches[2].shard_key, b"bad")
    many = shards(world.batches, 3 * CHUNK)
    alone = auditor(world).audit(many)
    together = audit_all(auditor(world), many, len(many), NoJournal())
    assert (together.rows, together.bad_shards, together.by_status) == (1280, 64, {"ok": 1280})
    assert sorted(together.problems) == sorted(alone.problems)
    assert (alone.rows, alone.bad_shards, alone.by_status) == (1280, 64, {"ok": 1280})


def test_interrupted_it_goes_on_where_it_was(
    world: World, tmp_path: Path, kept: Callable[[Path], FileJournal]
) -> None:
    for batch in world.batches:
        world.finish(batch)
    many, path = shards(world.batches, 4 * CHUNK), tmp_path / "journal"
    audit_all(auditor(world), many[: 2 * CHUNK], 2 * CHUNK, kept(path))
    with path.open("a") as file:
        file.write('{"shards": "cut sh')
    Path(world.store.uri, world.batches[0].shard_key).write_bytes(b"bad since")
    whole = audit_all(auditor(world), many, len(many), kept(path))
    assert whole.bad_shards == sum(shard.batch == world.batches[0] for shard in many[2 * CHUNK :])


def test_a_sample_that_was_interrupted_is_the_same_at_the_next_try(
    world: World, tmp_path: Path, kept: Callable[[Path], FileJournal]
) -> None:
    path = tmp_path / "journal"
    first = kept(path)
    first.note(shards(world.batches, 1), Audit(rows=1))
    assert kept(path).seed == first.seed
    assert FileJournal(tmp_path / "other").seed != first.seed
    assert choose_sample(range(9999), 1, first.seed) == choose_sample(range(9999), 1, first.seed)
    assert choose_sample(range(9999), 1, first.seed) != choose_sample(range(9999), 1, first.seed + 1)


def test_a_shard_that_kills_its_reader_is_one_finding(world: World) -> None:
    many = shards(world.batches, 102)[92:]
    with open_readers(die_of_every_hundredth, 1) as readers:
        begun = [(readers.submit(chunk), chunk) for chunk in (many[:4], many[4:])]
        audits = [readers.result(*one) for one in begun]
        again = readers.submit(many[:4])  # the pool that broke is replaced
        audits.append(readers.result(again, many[:4]))
    assert [(audit.rows, audit.bad_shards) for audit in audits] == [(4, 0), (5, 1), (4, 0)]
    (line,) = audits[1].problems
    assert line.startswith(f"batch {many[7].batch.id}: not readable: the process that reads it dies")


def test_readers_have_the_environment_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("1", "2"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", value)
        with open_readers(tell_key, 1) as readers:
            assert readers.result(readers.submit([]), []).problems == [value]


def test_a_shard_that_changed_since_is_read_again(
    tmp_path: Path, world: World, kept: Callable[[Path], FileJournal]
) -> None:
    world.finish(world.batches[0])
    journal = kept(tmp_path / "journal")
    audit_all(auditor(world), [Shard(0, world.batches[0], 100)], 1, journal)
    again = kept(tmp_path / "journal")
    assert again.find([Shard(0, world.batches[0], 100)]) is not None
    assert again.find([Shard(0, world.batches[0], 101)]) is None
    assert again.find([Shard(1, world.batches[1], 100)]) is None


def test_a_verification_that_ended_leaves_no_journal(world: World, tmp_path: Path) -> None:
    for batch in world.batches:
        world.finish(batch)
    assert world.command("verify")[0] == 0
    assert [path for path in (tmp_path / "state").rglob("*") if path.is_file()] == []


def test_without_a_home_it_works_unresumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    with mock.patch.object(Path, "home", side_effect=RuntimeError):
        assert journal_path("/out", "{}") is None


def test_a_sample_says_its_confidence(world: World) -> None:
    for batch in world.batches:
        world.finish(batch)
    code, out, _ = world.command("verify", "--json", "--sample", "34%")
    verdict = json.loads(out)
    assert code == 0
    assert (verdict["rows_expected"], verdict["rows_found"]) == (20, 20)
    assert verdict["sample"] == {"shards": 2, "of": 3, "confidence": 0.95, "bad_at_most": 1}
    code, out, _ = world.command("verify", "--sample", "34%")
    assert "2 of 3 shards: with 95% confidence at most 1" in out


@pytest.mark.parametrize("text", ["0%", "0", "-1%", "101%", "x", "", "nan", "%"])
def test_no_share_is_one_line(world: World, text: str) -> None:
    code, out, errors = world.command("verify", "--sample", text)
    assert (code, out) == (2, "")
    assert "share above 0%" in errors


def test_a_share_of_shards() -> None:
    assert (parse_percent("1%"), parse_percent("0.5")) == (1.0, 0.5)
    assert [sample_size(of, 1) for of in (0, 1, 100, 101, 585_000)] == [0, 1, 1, 2, 5850]


def test_the_bound_is_exact() -> None:
    """Against counting hand, and near (1 - bad share) ^ shards = 5 % where the sample is a small part."""
    assert judge_sample(0, 10, 10).bad_at_most == 0
    assert judge_sample(3, 10, 10).bad_at_most == 3
    assert judge_sample(0, 0, 0).bad_at_most == 0
    for bad, drawn, of in ((0, 20, 100), (1, 20, 100), (2, 30, 60)):
        bound = judge_sample(bad, drawn, of).bad_at_most
        assert chance(bad, drawn, bound, of) >= 0.05 > chance(bad, drawn, bound + 1, of)
    large = judge_sample(0, 5850, 585_000)
    assert (1 - large.bad_at_most / 585_000) ** 5850 == pytest.approx(0.05, rel=0.04)


def chance(bad: int, drawn: int, all_bad: int, of: int) -> float:
    ways = sum(math.comb(all_bad, n) * math.comb(of - all_bad, drawn - n) for n in range(bad + 1))
    return ways / math.comb(of, drawn)


def test_the_bound_holds_as_often_as_it_says() -> None:
    dice = random.Random(3)
    shards = [True] * 40 + [False] * 960
    held = sum(judge_sample(sum(dice.sample(shards, 100)), 100, 1000).bad_at_most >= 40 for _ in range(400))
    assert held >= 0.93 * 400
