"""An S3 key is any text: nothing in it is a query, a fragment or an empty step; outputs stay apart."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from common.errors import FleetError
from common.settings import S3Settings
from common.store import S3Address, absolute_uri, is_under, open_store
from producer.addresses import expand
from producer.plan import plan_part
from tests.faults.s3_proxy import s3_proxy
from tests.samples import write_part
from tests.servers.seaweed import Seaweed

KEYS = [
    "exp#1",
    "a?b",
    "a?b#c?d",
    "/k",
    "a//b",
    "a b+c",
    "100%",
    "%2e%2e/x",
    "[1]",
    "ü/\u4e2d",
    "a;b=c&d",
    "",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_taken_as_it_is(key: str) -> None:
    address = S3Address.parse(f"s3://bucket/{key}")
    assert (address.bucket, address.key) == ("bucket", key)
    assert str(address) == f"s3://bucket/{key}"


@pytest.mark.parametrize(
    "wrong",
    ["s3://", "s3:///key", "s3://b/a/../c", "s3://b/..", "s3://b/./a", "s3://b/a/.", "/a", "gs://b/k"],
)
def test_what_names_no_place_is_one_line(wrong: str) -> None:
    with pytest.raises(FleetError, match=r"s3://|fixed meaning"):
        S3Address.parse(wrong)


@pytest.mark.parametrize("key", [key for key in KEYS if key])
def test_absolute_is_absolute_once_more(key: str) -> None:
    assert absolute_uri(f"s3://bucket/{key}/") == absolute_uri(f"s3://bucket/{key}") == f"s3://bucket/{key}"


@pytest.mark.parametrize(
    ("uri", "under"),
    [
        ("s3://bucket/out", True),
        ("s3://bucket/out/x", True),
        ("s3://bucket/out/exp#1", True),
        ("s3://bucket/out/../x", False),
        ("s3://bucket/out/..", False),
        ("s3://bucket/out/./x", False),
        ("s3://bucket/out?x", False),
        ("s3://bucket/out#x", False),
        ("s3://bucket/out?/x", False),
        ("s3://bucket/out/", False),
        ("s3://bucket/output", False),
        ("s3://bucket#/out/x", False),
        ("s3://other/out/x", False),
        ("file://bucket/out/x", False),
        ("/bucket/out", False),
        ("", False),
    ],
)
def test_under_an_output_on_s3(uri: str, under: bool) -> None:
    assert is_under(uri, "s3://bucket/out") is under


@pytest.mark.parametrize("uri", ["/out/../x", "/out/x/../../y", "out/x", "/out//x", "/out/./x", "/out/x/"])
def test_under_a_folder_is_said_of_absolute_paths_only(uri: str) -> None:
    assert not is_under(uri, "/out")


def test_outputs_that_differ_in_a_fragment_are_two(s3_environment: Seaweed) -> None:
    bucket = s3_environment.bucket("fragments")
    settings = S3Settings(endpoint_url=s3_environment.endpoint_url)
    stores = [open_store(f"s3://{bucket}/exp{end}", settings) for end in ("", "#1", "#2", "?1", "%231")]
    for number, store in enumerate(stores):
        assert store.create("run.json", str(number).encode())
    for number, store in enumerate(stores):
        assert store.read("run.json") == str(number).encode()
        assert [entry.key for entry in store.list("")] == ["run.json"]


def test_parts_of_any_name_are_found_and_planned(s3_environment: Seaweed, tmp_path: Path) -> None:
    body = write_part(tmp_path / "in.parquet", 5).read_bytes()
    bucket = s3_environment.bucket("names")
    settings = S3Settings(endpoint_url=s3_environment.endpoint_url)
    names = ["a#1.parquet", "a?2.parquet", "a%33.parquet", "a[4].parquet", "a 5+.parquet"]
    for name in names:
        s3_environment.client().put_object(Bucket=bucket, Key=f"in/{name}", Body=body)
    wanted = sorted(f"s3://{bucket}/in/{name}" for name in names)
    assert expand([f"s3://{bucket}/in/*"], settings) == wanted
    for name in names:
        assert expand([f"s3://{bucket}/in/{name}"], settings) == [f"s3://{bucket}/in/{name}"]
    assert [plan_part(address, settings).rows for address in wanted] == [5] * len(names)
    both = [f"s3://{bucket}/in/a{middle}.parquet" for middle in ("#1", "?2")]
    assert expand([f"s3://{bucket}/in/a?[12].parquet"], settings) == both


def test_an_empty_step_is_sent_as_it_is(s3_environment: Seaweed) -> None:
    bucket = s3_environment.bucket("steps")
    with s3_proxy(s3_environment.endpoint_url) as proxy:
        open_store(f"s3://{bucket}//k", S3Settings(endpoint_url=proxy.url)).exists("x//y")
    assert [call.path for call in proxy.calls] == [f"/{bucket}//k/x//y"]


def test_retry_reads_a_run_whose_name_is_a_pattern(s3_environment: Seaweed, tmp_path: Path) -> None:
    bucket = s3_environment.bucket("patterns")
    settings = S3Settings(endpoint_url=s3_environment.endpoint_url)
    store = open_store(f"s3://{bucket}/exp[1]?", settings)
    store.create("input/a.parquet", write_part(tmp_path / "in.parquet", 5).read_bytes())
    address = f"{store.uri}/input/a.parquet"
    assert expand([address], settings) == [address]
    assert pq.ParquetFile(tmp_path / "in.parquet").metadata.num_rows == plan_part(address, settings).rows
