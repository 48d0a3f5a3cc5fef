"""Images that are here, end to end: on one machine, and by a worker that reads them from S3."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.settings import S3Settings
from dataset.cli import main as dataset
from dataset.rows.held_images import HeldImage
from dataset.survey.fetch import fetch_candidates
from dataset.survey.machine import machine_candidates
from producer.cli import main as producer
from tests.archives.inputs import AS_IS, COLUMN, FILES, FOLDER, HERE, IMG2DATASET, SHAPES
from tests.fleet.conftest import worker
from tests.processes import FAKE, TOY, run, run_here
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import Valkey

pytestmark = [pytest.mark.slow, pytest.mark.models]

INPUTS = (IMG2DATASET, AS_IS, SHAPES, COLUMN, FOLDER, FILES)
ROWS = 60 + 30 + 12 + 12 + 13 + 15
PATIENCE = 300
IDENTITY = ("URL", "TEXT", "top_caption", "status", "error", "sha256")


@dataclass(frozen=True)
class Captioned:
    """A finished run of all inputs."""

    output: str
    rows: list[dict[str, Any]]
    environment: dict[str, str]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Captioned:
    output = tmp_path_factory.mktemp("archives") / "out"
    environment = {**TOY, "OMP_NUM_THREADS": "1"}
    done = run("producer", "local", *INPUTS, "--output", output, "--batch-rows", 20, environment=environment)
    assert done.returncode == 0, done.stderr
    rows = [row for path in sorted(output.glob("shards/*/*")) for row in pq.read_table(path).to_pylist()]
    return Captioned(str(output), rows, environment)


@pytest.fixture(scope="module")
def on_s3(tmp_path_factory: pytest.TempPathFactory, _broker: Valkey, s3: Seaweed) -> Captioned:
    """The same rows; their captions were seen to be true in the other run."""
    bucket, client = s3.bucket("held"), s3.client()
    for source in INPUTS:
        for path in [source] if source.is_file() else source.rglob("*.*"):
            client.upload_file(str(path), bucket, f"in/{path.relative_to(HERE)}")
    output = f"s3://{bucket}/out"
    environment = {**FAKE, **s3.environment, "FLEET_BROKER_URL": _broker.url, "FLEET_OUTPUT": output}
    _broker.client().flushall()
    parts = [f"s3://{bucket}/in/{source.name}" for source in INPUTS]
    asked = run_here(producer, "enqueue", *parts, "--batch-rows", "20", environment=environment)
    assert asked.returncode == 0, asked.stderr
    with worker(environment, tmp_path_factory.mktemp("worker") / "log"):
        _wait(environment)
    rows = [row for body in _shards(s3, bucket) for row in pq.read_table(pa.BufferReader(body)).to_pylist()]
    return Captioned(output, rows, environment)


def _wait(environment: dict[str, str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        state = json.loads(run_here(producer, "status", "--json", environment=environment).stdout)
        if state["batches"]["done"] == state["batches"]["total"]:
            return
        time.sleep(0.5)
    pytest.fail(f"not done: {state}")


def _shards(s3: Seaweed, bucket: str) -> Iterator[bytes]:
    client = s3.client()
    for item in client.list_objects_v2(Bucket=bucket, Prefix="out/shards/")["Contents"]:
        yield client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()


def test_every_row_of_every_input_is_there_failures_in_their_own_words(here: Captioned) -> None:
    assert len(here.rows) == ROWS
    counts = Counter(row["status"] for row in here.rows)
    assert counts == {"ok": 120, "no_image": 16, "opt_out": 4, "not_an_image": 2}
    words = Counter(row["error"] for row in here.rows if row["status"] == "no_image")
    assert words["HTTP Error 404: Not Found"] == 10
    assert words["Image decoding error"] == 4


def test_the_captions_are_mostly_true(here: Captioned) -> None:
    told = [row for row in here.rows if row["status"] == "ok" and row["TEXT"]]
    assert sum(row["top_caption"] == row["TEXT"] for row in told) / len(told) > 0.7


def test_from_s3_the_rows_are_the_same(here: Captioned, on_s3: Captioned) -> None:
    ours, theirs = (
        Counter(tuple(row[name] for name in IDENTITY if name != "top_caption") for row in run.rows)
        for run in (here, on_s3)
    )
    assert ours == theirs


@pytest.mark.parametrize("place", ["here", "on_s3"])
def test_verify_is_content(place: str, request: pytest.FixtureRequest) -> None:
    done: Captioned = request.getfixturevalue(place)
    answer = run_here(producer, "verify", "--json", "--output", done.output, environment=done.environment)
    assert answer.returncode == 0, answer.stdout
    assert json.loads(answer.stdout)["rows_found"] == ROWS


def test_merged_there_is_a_row_for_each_address_or_image(here: Captioned, tmp_path: Path) -> None:
    arguments = ("merge", "--run", here.output, "--output", tmp_path / "data")
    assert run_here(dataset, *arguments, environment=here.environment).returncode == 0
    merged = json.loads((tmp_path / "data/merge.json").read_text())
    captioned = [row for row in here.rows if row["status"] == "ok"]
    assert merged["counts"]["rows_out"] == len(
        {(row["URL"] or row["sha256"], row["TEXT"]) for row in captioned}
    )


def test_the_gallery_shows_images_without_address(here: Captioned, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    arguments = ("gallery", "--run", here.output, "--rows", "200", "--page", page)
    answer = run_here(dataset, *arguments, environment=here.environment)
    nowhere = sum(row["status"] == "ok" and not row["URL"] for row in here.rows)
    assert nowhere == 35
    assert page.read_text().count('src="data:image/jpeg;base64,') == nowhere
    assert "no longer" not in answer.stdout


def test_what_the_tars_lack_is_tried_again_on_the_web(on_s3: Captioned) -> None:
    again = on_s3.output.replace("/out", "/again")
    arguments = ("retry", "--run", on_s3.output, "--output", again, "--status", "no_image,opt_out")
    answer = run_here(producer, *arguments, environment=on_s3.environment)
    assert answer.returncode == 0, answer.stderr
    state = run_here(producer, "status", "--json", "--output", again, environment=on_s3.environment)
    lacking = [row for row in on_s3.rows if row["status"] == "no_image" and row["URL"]]
    assert json.loads(state.stdout)["rows"]["total"] == len(lacking) == 14
    assert "only no_image is tried again" in answer.stderr


def test_a_survey_shows_them_too(here: Captioned, tmp_path: Path) -> None:
    drawn = machine_candidates(here.output, None, 200, 0, S3Settings())
    held = {str(number): one for number, one in enumerate(drawn) if isinstance(one.place, HeldImage)}
    fetched = fetch_candidates(held, tmp_path, 64, lambda: None)
    assert len(fetched) == 35
    assert all(image.status == "ok" and image.sha256 == held[name].sha256 for name, image in fetched.items())
