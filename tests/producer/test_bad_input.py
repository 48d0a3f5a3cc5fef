"""Bad input is one line on standard error, exit code 2, and nothing written or queued."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from producer.cli import main
from tests.footers import lying_parquet
from tests.processes import TOY, run_here
from tests.samples import write_part
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import Valkey

Arguments = tuple[str, ...]


def _no_such_part(_: Path) -> Arguments:
    return ("absent.parquet",)


def _not_parquet(folder: Path) -> Arguments:
    (folder / "bad.parquet").write_text("URL,TEXT\n")
    return ("bad.parquet",)


def _truncated(folder: Path) -> Arguments:
    part = write_part(folder / "bad.parquet", 1000)
    part.write_bytes(part.read_bytes()[:-100])
    return ("bad.parquet",)


def _no_url_column(folder: Path) -> Arguments:
    write_part(folder / "bad.parquet", URL=None, address=["x"] * 10)
    return ("bad.parquet",)


def _urls_that_are_numbers(folder: Path) -> Arguments:
    write_part(folder / "bad.parquet", URL=list(range(10)))
    return ("bad.parquet",)


def _lists_of_links(folder: Path) -> Arguments:
    write_part(folder / "bad.parquet", URL=[["http://192.0.2.1/"]] * 10)
    return ("bad.parquet",)


def _nested_texts(folder: Path) -> Arguments:
    write_part(folder / "bad.parquet", TEXT=[["a dog", "a brown dog"]] * 10)
    return ("bad.parquet",)


def _two_link_columns(folder: Path) -> Arguments:
    links = pa.array(["http://192.0.2.1/"])
    pq.write_table(pa.Table.from_arrays([links, links], ["URL", "URL"]), folder / "bad.parquet")
    return ("bad.parquet",)


def _footer_that_lies(folder: Path) -> Arguments:
    (folder / "bad.parquet").write_bytes(lying_parquet(2**62))
    return ("bad.parquet",)


def _no_rows(folder: Path) -> Arguments:
    pq.write_table(pa.table({"URL": pa.array([], pa.string())}), folder / "bad.parquet")
    return ("bad.parquet",)


def _one_bad_among_good(folder: Path) -> Arguments:
    write_part(folder / "good.parquet")
    return ("good.parquet", *_truncated(folder))


def _unknown_scheme(folder: Path) -> Arguments:
    return (write_part(folder / "good.parquet").name, "--output", "ftp://host/out")


def _output_in_the_way(folder: Path) -> Arguments:
    (folder / "file").write_text("")
    return (write_part(folder / "good.parquet").name, "--output", "file/out")


CASES = [
    (_no_such_part, "absent.parquet: no such part"),
    (_not_parquet, "bad.parquet: not a parquet file"),
    (_truncated, "bad.parquet: not a parquet file, or cut short"),
    (_no_url_column, "no URL column among TEXT, address"),
    (_urls_that_are_numbers, "column URL holds int64, not text"),
    (_lists_of_links, "column URL holds list<element: string>, not text"),
    (_nested_texts, "column TEXT holds list<element: string>, not text"),
    (_two_link_columns, "two columns are named URL"),
    (_footer_that_lies, "claims 4611686018427387904 rows"),
    (_no_rows, "bad.parquet: no rows"),
    (_one_bad_among_good, "bad.parquet: not a parquet file"),
    (_unknown_scheme, "ftp://host/out"),
    (_output_in_the_way, "file/out"),
]


@pytest.mark.parametrize("command", ["enqueue", "local"])
@pytest.mark.parametrize(("make", "line"), CASES, ids=[make.__name__.strip("_") for make, _ in CASES])
def test_one_line_and_nothing_else(
    command: str, make: Callable[[Path], Arguments], line: str, broker: Valkey, outside: Path
) -> None:
    arguments = make(outside)
    before = sorted(outside.rglob("*"))
    environment = {**TOY, "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "out"}
    _refused(run_here(main, command, *arguments, environment=environment), line)
    assert broker.client().dbsize() == 0
    assert sorted(outside.rglob("*")) == before


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"FLEET_BROKER_URL": "redis://:secret@127.0.0.1:1/0"}, "redis://**@127.0.0.1:1/0"),
        ({"FLEET_OUTPUT": ""}, "give --output URI or set FLEET_OUTPUT"),
        ({"FLEET_MODELS": "large"}, "'large' is not one of laion-coco, toy"),
        ({"FLEET_SAMPLING_TOP_P": "2"}, "FLEET_SAMPLING_TOP_P"),
        ({"FLEET_SAMPLING_TOPP": "0.5"}, "FLEET_SAMPLING_TOPP"),
        ({"FLEET_OUTPTU": "x"}, "FLEET_OUTPTU: there is no such setting"),
        ({"FLEET_FETCH_ALLOW_NETWORKS": "10.0.0.0/99"}, "FLEET_FETCH_ALLOW_NETWORKS"),
        ({"FLEET_CAPTIONER": "./no-such-folder"}, "no-such-folder: no model files here"),
    ],
)
def test_settings(environment: dict[str, str], line: str, broker: Valkey, outside: Path) -> None:
    write_part(outside / "good.parquet")
    base = {**TOY, "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "out"}
    answer = run_here(main, "enqueue", "good.parquet", environment=base | environment)
    _refused(answer, line)
    assert "secret" not in answer.stderr
    assert not (outside / "out").exists()


@pytest.mark.parametrize("url", ["http://8.8.8.8/a.jpg", "https://public.test/a.jpg"])
def test_a_local_run_over_the_web_needs_a_contact(url: str, outside: Path) -> None:
    write_part(outside / "good.parquet", URL=[url] * 10)
    closed = {"FLEET_FETCH_CONTACT": "", "FLEET_FETCH_ALLOW_NETWORKS": ""}
    environment = {**TOY, **closed, "FLEET_OUTPUT": "out"}
    _refused(
        run_here(main, "local", "good.parquet", environment=environment), "FLEET_FETCH_CONTACT is not set"
    )
    assert not list((outside / "out").rglob("*.parquet"))


def test_wrong_s3_credentials(s3: Seaweed, broker: Valkey, outside: Path) -> None:
    write_part(outside / "good.parquet")
    s3.bucket("refused")
    environment = {
        **TOY,
        "FLEET_BROKER_URL": broker.url,
        "FLEET_OUTPUT": "s3://refused/run",
        **s3.environment,
    }
    wrong = environment | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    _refused(run_here(main, "enqueue", "good.parquet", environment=wrong), "refused the credentials")
    missing = environment | {"FLEET_OUTPUT": "s3://no-such-bucket/run"}
    _refused(run_here(main, "enqueue", "good.parquet", environment=missing), "no such bucket")
    away = environment | {"FLEET_S3_ENDPOINT_URL": "http://127.0.0.1:1"}
    _refused(run_here(main, "enqueue", "good.parquet", environment=away), "FLEET_S3_ENDPOINT_URL")
    assert broker.client().dbsize() == 0


def test_a_run_made_with_other_settings_names_the_difference(broker: Valkey, outside: Path) -> None:
    write_part(outside / "good.parquet")
    environment = {**TOY, "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "out"}
    assert run_here(main, "enqueue", "good.parquet", environment=environment).returncode == 0
    other = environment | {"FLEET_SAMPLING_LANES": "7"}
    _refused(
        run_here(main, "enqueue", "good.parquet", environment=other), "sampling.lanes is 40 in the run and 7"
    )
    smaller = run_here(main, "enqueue", "good.parquet", "--batch-rows", "3", environment=environment)
    _refused(smaller, "batch_rows is 10000 in the run and 3 here")


def test_a_part_that_changed_is_refused(broker: Valkey, outside: Path) -> None:
    write_part(outside / "good.parquet")
    environment = {**TOY, "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "out"}
    run_here(main, "enqueue", "good.parquet", environment=environment)
    write_part(outside / "good.parquet", 11)
    _refused(
        run_here(main, "enqueue", "good.parquet", environment=environment), "changed since it was enqueued"
    )


def test_status_of_no_run(outside: Path) -> None:
    _refused(run_here(main, "status", "--output", "nowhere", environment={}), "there is no run here")


def _refused(answer: "subprocess.CompletedProcess[str]", line: str) -> None:
    complaints = [text for text in answer.stderr.splitlines() if not text.startswith("{")]
    assert answer.returncode == 2, answer.stderr
    assert len(complaints) == 1, answer.stderr
    assert complaints[0].startswith("error: ")
    assert line in complaints[0]
    assert answer.stdout == ""
