"""Files, folders, trees and globs name the same parts on disk, on S3 and on the Hub; omissions are said."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from common.run.part import PartError
from common.settings import S3Settings
from producer import addresses
from producer.addresses import expand
from producer.cli import main
from producer.pattern import Pattern
from producer.plan import plan_part
from producer.selection import Selection
from tests.logs import log_lines
from tests.processes import TOY, run_here
from tests.samples import write_part
from tests.servers.hub import hub
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import Valkey

NO_S3 = S3Settings()
TREE = [
    "a.parquet",
    "b.parquet/part-00000.snappy.parquet",
    "b.parquet/part-00001.snappy.parquet",
    "b.parquet/_SUCCESS",
    "b.parquet/.part-00000.snappy.parquet.crc",
    "hive/lang=en/day=1/part-0.parquet",
    "hive/lang=en/day=2/part-0.parquet",
    "hive/lang=fr/day=1/part-0.parquet",
    "hive/_metadata",
    "hive/_temporary/0/part-9.parquet",
    "hive/lang=fr/.tmp/part-9.parquet",
    "deeper/still/c.parquet",
    "deeper/README.md",
    "._a.parquet",
    "_old.parquet",
    ".trash/a.parquet",
]
HIVE = ["lang=en/day=1/part-0", "lang=en/day=2/part-0", "lang=fr/day=1/part-0"]
B = [f"b.parquet/part-0000{number}.snappy" for number in range(2)]
ALL = ["a", *B, "deeper/still/c", *(f"hive/{name}" for name in HIVE)]

CASES: dict[str, tuple[str, list[str], dict[str, int]]] = {
    "a file": ("a.parquet", ["a"], {}),
    "a folder that is called like a file": ("b.parquet", B, {"hidden": 2}),
    "a folder, with its slash": ("b.parquet/", B, {"hidden": 2}),
    "a hive tree": ("hive", [f"hive/{name}" for name in HIVE], {"hidden": 3}),
    "everything": ("", ALL, {"hidden": 8, "other_files": 1}),
    "a glob over files and folders": ("*.parquet", ["a", *B], {"hidden": 4}),
    "a glob over folders": ("hive/lang=*", [f"hive/{name}" for name in HIVE], {"hidden": 1}),
    "a glob within a tree": ("hive/*/day=1/*.parquet", [f"hive/{HIVE[0]}", f"hive/{HIVE[2]}"], {"hidden": 1}),
    "one step": ("hive/lang=en/day=?/part-[0-9].parquet", [f"hive/{name}" for name in HIVE[:2]], {}),
    "any steps": ("**/part-0.parquet", [f"hive/{name}" for name in HIVE], {"hidden": 3}),
    "any steps, anything": ("hive/**", [f"hive/{name}" for name in HIVE], {"hidden": 3}),
    "any steps, of a name": ("**/*.parquet", ALL, {"hidden": 7}),
    "hidden names that are asked for": ("_*.parquet", ["_old"], {}),
    "a hidden file that is named": ("._a.parquet", ["._a"], {}),
    "a hidden folder that is named": (".trash", [".trash/a"], {}),
}

Place = Callable[[str], str]


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_part(tmp_path_factory.mktemp("part") / "p.parquet", 1).read_bytes()


@pytest.fixture(scope="module")
def places(
    part: bytes, s3: Seaweed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[str, S3Settings]]]:
    """The same tree in a folder, in a bucket and on the Hub."""
    folder, bucket = tmp_path_factory.mktemp("tree"), s3.bucket("tree")
    for name in TREE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(part)
        s3.client().put_object(Bucket=bucket, Key=f"in/{name}", Body=part)
    s3.client().put_object(Bucket=bucket, Key="in/hive/", Body=b"")
    s3.client().put_object(Bucket=bucket, Key="in-other/a.parquet", Body=part)
    with ExitStack() as stack:
        endpoint = stack.enter_context(hub({f"in/{name}": part for name in TREE}))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
        patch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", endpoint)
        yield {
            "folder": (str(folder), NO_S3),
            "s3": (f"s3://{bucket}/in", S3Settings(endpoint_url=s3.endpoint_url)),
            "hub": ("hf://datasets/lab/links/in", NO_S3),
        }


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("place", ["folder", "s3", "hub"])
def test_the_same_parts_wherever_they_are(
    case: str, place: str, places: dict[str, tuple[str, S3Settings]], s3_environment: Seaweed
) -> None:
    argument, names, left_out = CASES[case]
    root, s3 = places[place]
    with log_lines(addresses) as lines:
        found = expand([f"{root}/{argument}"], s3)
    assert found == [f"{root}/{name}.parquet" for name in sorted(names)]
    said = [{key: value for key, value in line.items() if isinstance(value, int)} for line in lines]
    assert said == ([left_out] if left_out else [])


def test_relative_paths_and_several_arguments(outside: Path) -> None:
    for name in ("in/one.parquet", "in/x=1/two.parquet", "in/_no.parquet"):
        write_part(outside / name)
    expected = [str(outside / "in" / name) for name in ("one.parquet", "x=1/two.parquet")]
    assert expand(["in/*", "in", "./in/../in/one.parquet"], NO_S3) == expected


def test_links_are_followed_and_never_in_a_circle(outside: Path) -> None:
    write_part(outside / "far" / "a.parquet")
    (outside / "in").mkdir()
    (outside / "in" / "far").symlink_to(outside / "far")
    (outside / "far" / "back").symlink_to(outside / "in")
    assert expand(["in"], NO_S3) == [str(outside / "in" / "far" / "a.parquet")]


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        (
            "only-csv",
            r"no parquet, tar or image there \(1 hidden and 2 other files left out\); name other files",
        ),
        ("only-csv/*.parquet", "no such part"),
        ("empty", "no such part"),
        ("empty/**/*.parquet", "no such part"),
        ("broken.parquet", "no such part"),
    ],
)
def test_what_names_no_part_says_why(argument: str, line: str, outside: Path) -> None:
    (outside / "empty").mkdir()
    (outside / "only-csv").mkdir()
    for name in ("a.csv", "b.csv", "_c.csv"):
        (outside / "only-csv" / name).touch()
    (outside / "broken.parquet").symlink_to("nowhere")
    with pytest.raises(PartError, match=line):
        expand([argument], NO_S3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read_is_an_error(outside: Path) -> None:
    write_part(outside / "in" / "shut" / "a.parquet")
    (outside / "in" / "shut").chmod(0)
    with pytest.raises(PartError, match=r"shut: .*make it readable"):
        expand(["in"], NO_S3)


@pytest.mark.parametrize("where", ["file", "folder"])
def test_names_that_are_not_utf8_are_one_line(where: str, broker: Valkey, outside: Path) -> None:
    name = b"in/\xe9.parquet" if where == "file" else b"in/\xe9/a.parquet"
    part = write_part(outside / "part.parquet")
    (outside / os.fsdecode(name)).parent.mkdir(parents=True)
    part.rename(outside / os.fsdecode(name))
    environment = {**TOY, "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "out"}
    for argument in ("in", "in/*", os.fsdecode(name)):
        answer = run_here(main, "enqueue", argument, environment=environment)
        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr.count("\n") == 1, answer.stderr
        assert "the name of this file is not UTF-8; rename it" in answer.stderr
    assert not (outside / "out").exists()


@pytest.mark.parametrize(
    "argument", ["data/**/*.parquet", "data", "data/*", "da*/**", "link", "link/**/*.parquet"]
)
def test_a_run_does_not_eat_what_it_wrote(argument: str, outside: Path) -> None:
    for name in ("x/one", "out/shards/one-1/000000000000", "out/input/two-1", "out/staged/one-1"):
        write_part(outside / "data" / f"{name}.parquet")
    (outside / "link").symlink_to(outside / "data")
    with log_lines(addresses) as lines:
        found = expand([argument], NO_S3, str(outside / "data" / "out"))
    assert [os.path.realpath(str(path)) for path in found] == [str(outside / "data" / "x" / "one.parquet")]
    assert [line.get("in_output") for line in lines] == [1]


def test_an_output_is_no_part_but_its_input_is(outside: Path) -> None:
    for name in ("shards/one-1/000000000000", "input/two-1", "staged/one-1"):
        write_part(outside / "out" / f"{name}.parquet")
    output = str(outside / "out")
    for argument in ("out", "out/shards", "out/shards/one-1/000000000000.parquet", "out/**/*.parquet"):
        with pytest.raises(PartError, match="what the run itself wrote"):
            expand([argument], NO_S3, output)
    for argument in ("out/input", "out/input/two-1.parquet", "out/input/*.parquet"):
        assert expand([argument], NO_S3, output) == [f"{output}/input/two-1.parquet"]
    assert expand(["out/staged"], NO_S3, output) == [f"{output}/staged/one-1.parquet"]
    assert expand(["out/shards"], NO_S3, f"{output}2") == [f"{output}/shards/one-1/000000000000.parquet"]


def test_an_output_on_s3_is_no_part(
    places: dict[str, tuple[str, S3Settings]], s3_environment: Seaweed
) -> None:
    root, s3 = places["s3"]
    found = expand([f"{root}/**/*.parquet"], s3, f"{root}/hive")
    assert found == [f"{root}/{name}.parquet" for name in sorted(ALL) if not name.startswith("hive")]
    with pytest.raises(PartError, match="what the run itself wrote"):
        expand([f"{root}/hive/lang=en"], s3, f"{root}/hive")


ODD = [
    "a#1.parquet",
    "a?x=1.parquet",
    "100%.parquet",
    "b c+d.parquet",
    "é.parquet",
    "w[1].parquet",
]


@pytest.fixture(scope="module")
def odd_keys(part: bytes, s3: Seaweed) -> str:
    bucket = s3.bucket("odd-keys")
    for key in ODD:
        s3.client().put_object(Bucket=bucket, Key=f"in/{key}", Body=part)
    return bucket


@pytest.mark.parametrize("name", ODD)
def test_a_key_is_any_text(name: str, odd_keys: str, s3_environment: Seaweed) -> None:
    bucket = odd_keys
    settings, address = S3Settings(endpoint_url=s3_environment.endpoint_url), f"s3://{bucket}/in/{name}"
    assert expand([address], settings) == [address]
    assert plan_part(address, settings).rows == 1
    assert address in expand([f"s3://{bucket}/in/**/*.parquet"], settings)
    assert address in expand([f"s3://{bucket}/in/{name[0]}*"], settings)
    assert expand([f"s3://{bucket}/in"], settings) == sorted(f"s3://{bucket}/in/{key}" for key in ODD)


def test_a_question_mark_is_one_character(part: bytes, s3_environment: Seaweed) -> None:
    client, bucket = s3_environment.client(), s3_environment.bucket("question-mark")
    for key in ("p-1.parquet", "p-2.parquet", "p-10.parquet"):
        client.put_object(Bucket=bucket, Key=f"in#1/{key}", Body=part)
    found = expand([f"s3://{bucket}/in#1/p-?.parquet"], S3Settings(endpoint_url=s3_environment.endpoint_url))
    assert found == [f"s3://{bucket}/in#1/p-{number}.parquet" for number in (1, 2)]


def test_steps_without_a_name_count() -> None:
    """SeaweedFS knows no such keys; S3 does."""
    keys = ["s3://b/in//a.parquet", "s3://b/in/x//a.parquet", "s3://b/in/x/a.parquet", "s3://b/in//"]
    patterns = {
        "s3://b/in": keys[:3],
        "s3://b/in/*/*/*.parquet": keys[1:2],
        "s3://b/in/x/*.parquet": keys[2:3],
    }
    for written, expected in patterns.items():
        selection = Selection(Pattern.parse(written), lambda _: False)
        selection.add_all(keys)
        assert selection.taken == expected, written
