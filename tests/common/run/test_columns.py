"""Columns are chosen by spelling and type; values become the published types, text byte for byte."""

import pyarrow as pa
import pytest

from common.run.cast import as_type, text_bytes
from common.run.columns import input_columns, unused_columns

TEXTS = ["http://192.0.2.1/é", None, "", "b"]
NESTED = pa.list_(pa.string())


def schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list({"URL": pa.string(), **columns}.items()))


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        ({"text": NESTED, "caption": pa.string()}, "caption"),
        ({"caption": pa.string(), "text": NESTED}, "caption"),
        ({"TEXT": NESTED, "text": pa.struct([("en", pa.string())]), "alt": pa.string()}, "alt"),
        ({"text": pa.string(), "caption": pa.string()}, "text"),
        ({"caption": pa.string(), "TEXT": pa.large_string()}, "TEXT"),
        ({"Text": pa.string(), "text": pa.string()}, "text"),
        ({"Caption": pa.string()}, "Caption"),
        ({"text": NESTED}, None),
    ],
)
def test_the_best_name_of_a_usable_type_is_chosen(
    columns: dict[str, pa.DataType], chosen: str | None
) -> None:
    assert input_columns(schema(**columns)).get("TEXT") == chosen


def test_what_is_passed_over_is_said() -> None:
    assert list(unused_columns(schema(text=NESTED, caption=pa.string()))) == [
        "column text holds list<item: string>: caption is read instead"
    ]
    assert list(unused_columns(schema(similarity=NESTED))) == [
        "column similarity holds list<item: string>: similarity will be null"
    ]
    assert not list(unused_columns(schema(TEXT=pa.string(), WIDTH=pa.string())))


def layouts() -> list[pa.Array]:
    plain = pa.array(TEXTS)
    kinds = [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
    ]
    arrays = [plain.cast(pa.binary()).cast(kind) for kind in kinds]
    return [*arrays, plain.dictionary_encode(), arrays[3].dictionary_encode()]


@pytest.mark.parametrize("column", layouts(), ids=lambda column: str(column.type))
def test_text_of_any_layout_is_read(column: pa.Array) -> None:
    assert as_type(column, pa.string()).to_pylist() == TEXTS
    assert as_type(column.slice(2), pa.string()).to_pylist() == TEXTS[2:]
    assert text_bytes(column).to_pylist() == [19, 0, 0, 1]


def test_fixed_sizes_and_extensions_are_read() -> None:
    fixed = pa.array([b"abc", None], pa.binary(3))
    assert as_type(fixed, pa.string()).to_pylist() == ["abc", None]
    assert text_bytes(fixed).to_pylist() == [3, 0]
    json = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['"abc"']))
    assert as_type(json, pa.string()).to_pylist() == ['"abc"']
    assert text_bytes(json).to_pylist() == [5]


def test_numbers_written_as_text() -> None:
    written = pa.array(
        ["640", "640.0", "640.5", "wide", None, "9007199254740993", "9007199254740993.0", "-1.00"]
    )
    whole = [640, 640, None, None, None, 9007199254740993, 9007199254740993, -1]
    assert as_type(written, pa.int64()).to_pylist() == whole
    assert as_type(written.dictionary_encode(), pa.int64()).to_pylist() == whole
    assert as_type(pa.array(["0.25", "x", "nan"]), pa.float64()).to_pylist()[:2] == [0.25, None]
