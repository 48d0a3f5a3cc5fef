"""Columns of images in the schemas of strangers."""

import pyarrow as pa
import pytest

from common.archive.image_column import find_image_column
from common.run.columns import ColumnsError, require_columns

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
LONG = "\x1b]0;pwned\x07" + "x" * 100_000


@pytest.mark.parametrize("said", [b"[" * 100_000, b'{"info":{"features":{"image":[]}}}', b"null", b"\xff"])
def test_a_footer_that_says_anything_of_its_columns_is_heard_no_further(said: bytes) -> None:
    schema = pa.schema([("image", IMAGE)], {b"huggingface": said})
    assert find_image_column(schema) == "image"


def test_names_and_types_of_strangers_are_cut_and_printable() -> None:
    images = pa.schema([(LONG, IMAGE), (f"{LONG}b", IMAGE)])
    deep = pa.schema([("URL", pa.struct([(LONG, pa.int8())]))])
    plain = pa.schema([(LONG, pa.int8())])
    for check, schema in ((find_image_column, images), (require_columns, plain), (require_columns, deep)):
        with pytest.raises(ColumnsError) as raised:
            check(schema)
        assert len(str(raised.value)) < 300
        assert str(raised.value).isprintable()
