"""The merged files open with what people use, with LAION-COCO's columns and types."""

from pathlib import Path

import datasets  # type: ignore[import-untyped]  # it ships none
import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset
import pytest

from common.run.schema import PUBLISHED
from common.settings import S3Settings
from common.store import open_store
from dataset.merge.flow import Options, merge
from tests.dataset.synthetic import RunShape, write_run

COLUMNS = (
    "URL", "TEXT", "top_caption", "all_captions", "all_similarities",
    "WIDTH", "HEIGHT", "similarity", "hash", "pwatermark", "punsafe",
)  # fmt: skip
"""As huggingface.co/datasets/laion/laion-coco lists them."""


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """(glob of the files, rows in them)."""
    folder = tmp_path_factory.mktemp("readers")
    write_run(open_store(str(folder), S3Settings()), RunShape())
    done = merge([str(folder)], str(folder), Options(part_size=40_000), S3Settings())
    assert len(done.keys) > 1
    return f"{folder}/data/train-*.parquet", done.counts.rows_out


@pytest.fixture
def rows(merged: tuple[str, int]) -> int:
    return merged[1]


def test_datasets(merged: tuple[str, int], rows: int, tmp_path: Path) -> None:
    loaded = datasets.load_dataset("parquet", data_files=merged[0], cache_dir=str(tmp_path))["train"]
    assert tuple(loaded.column_names) == COLUMNS
    assert loaded.num_rows == rows
    assert loaded.features["all_similarities"].feature.dtype == "float64"
    assert loaded.features["hash"].dtype == "int64"
    assert loaded[0]["top_caption"] in loaded[0]["all_captions"]


def test_datasets_streaming(merged: tuple[str, int], rows: int) -> None:
    stream = datasets.load_dataset("parquet", data_files=merged[0], streaming=True, split="train")
    assert sum(1 for _ in stream) == rows


def test_pandas(merged: tuple[str, int], rows: int) -> None:
    frame = pd.read_parquet(Path(merged[0]).parent)
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == rows
    assert frame["WIDTH"].dtype == "int64"


def test_polars(merged: tuple[str, int], rows: int) -> None:
    frame = pl.scan_parquet(merged[0])
    schema = frame.collect_schema()
    assert tuple(schema) == COLUMNS
    assert schema["all_captions"] == pl.List(pl.String)
    assert schema["all_similarities"] == pl.List(pl.Float64)
    assert frame.select(pl.len()).collect().item() == rows


def test_duckdb(merged: tuple[str, int], rows: int) -> None:
    connection = duckdb.connect()
    described = connection.execute(f"describe select * from '{merged[0]}'").fetchall()
    assert tuple(name for name, *_ in described) == COLUMNS
    assert [kind for _, kind, *_ in described[3:5]] == ["VARCHAR[]", "DOUBLE[]"]
    query = f"select count(distinct (URL, TEXT)) from '{merged[0]}'"
    assert connection.execute(query).fetchall() == [(rows,)]


def test_pyarrow(merged: tuple[str, int], rows: int) -> None:
    found = pyarrow.dataset.dataset(str(Path(merged[0]).parent), format="parquet")
    assert found.schema.equals(PUBLISHED)
    assert tuple(found.schema.names) == COLUMNS
    assert found.count_rows() == rows
