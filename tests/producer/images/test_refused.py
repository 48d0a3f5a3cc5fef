"""An archive of one's own whose images say no: the sign and the setting are named."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.console.cli import load_settings
from common.run.make_run import make_run
from common.run.planned_part import Kind, Part
from common.settings import S3Settings
from common.signs import Honoured
from common.store import open_store
from producer import refused
from producer.refused import warn_of_signs
from tests.logs import log_lines

PLUS = "plus: DMI-PROHIBITED"


@pytest.mark.parametrize(
    ("kind", "errors", "is_said"),
    [
        ("folder", [PLUS, PLUS, None], True),
        ("tar", [PLUS, None, None], False),
        ("images", [PLUS, PLUS, "Use of image disallowed by X-Robots-Tag directive"], True),
        ("folder", ["x-robots-tag: noai"] * 3, False),
        ("links", [PLUS] * 3, False),
    ],
)
def test_the_sign_and_the_setting_are_named(
    tmp_path: Path, kind: Kind, errors: list[str | None], is_said: bool
) -> None:
    store = open_store(str(tmp_path), S3Settings())
    run = make_run(load_settings(), 10)
    part = Part(id="part", address="/in", rows=3, size=1, kind=kind)
    statuses = ["ok" if error is None else "opt_out" for error in errors]
    sink = io.BytesIO()
    pq.write_table(pa.table({"status": statuses, "error": pa.array(errors, pa.string())}), sink)
    (batch,) = part.batches(run.batch_rows)
    store.create(batch.shard_key, sink.getvalue())
    with log_lines(refused) as lines:
        warn_of_signs(store, run, [part])
    assert len(lines) == is_said
    for line in lines:
        names = line["setting"].removeprefix("FLEET_MANNERS_SIGNS=").split(",")
        assert "plus" not in Honoured(names).names
