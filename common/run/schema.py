"""A shard's columns: those of the published LAION-COCO, then ours.

`python -m common.run.schema_page` writes docs/shards.md from it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa


class Column(NamedTuple):
    """A column of a shard."""

    name: str
    type: pa.DataType
    meaning: str

    @property
    def type_name(self) -> str:
        """As people write it: `list<string>`."""
        return str(self.type).replace("item: ", "")


LAION_COCO = (
    Column("URL", pa.string(), "address of the picture, as in the input"),
    Column("TEXT", pa.string(), "original caption, as in the input"),
    Column("top_caption", pa.string(), "the caption that the selector chose from the shortlist"),
    Column("all_captions", pa.list_(pa.string()), "every distinct caption, best first by the ranker"),
    Column(
        "all_similarities",
        pa.list_(pa.float64()),
        "the ranker's cosine similarity of each of them with the picture",
    ),
    Column("WIDTH", pa.int64(), "of the input"),
    Column("HEIGHT", pa.int64(), "of the input"),
    Column(
        "similarity", pa.float64(), "of the input: its own picture-text similarity of the original caption"
    ),
    Column("hash", pa.int64(), "of the input"),
    Column("pwatermark", pa.float64(), "of the input: probability of a watermark"),
    Column("punsafe", pa.float64(), "of the input: probability of unsafe content"),
)
"""As published, in order (huggingface.co/datasets/laion/laion-coco)."""

OUR_OWN = (
    Column("shortlist", pa.list_(pa.string()), "the best captions by the ranker, best first by the selector"),
    Column(
        "shortlist_similarities",
        pa.list_(pa.float64()),
        "the selector's cosine similarity of each of them",
    ),
    Column("repaired_caption", pa.string(), "the top caption after the optional repair step"),
    Column("part", pa.string(), "input file"),
    Column("row", pa.int64(), "position in the input file"),
    Column("status", pa.string(), "`ok`, or why there is no caption; merged data holds `ok` alone"),
    Column("error", pa.string(), "the detail of a failure: a code, a rule; null where the status is `ok`"),
    Column("sha256", pa.string(), "of the picture's bytes when it was captioned"),
)

COLUMNS = (*LAION_COCO, *OUR_OWN)


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.name, column.type) for column in columns])


PUBLISHED = _schema(LAION_COCO)
OURS = _schema(OUR_OWN)
SHARD = _schema(COLUMNS)

PASSED_THROUGH = ("WIDTH", "HEIGHT", "similarity", "hash", "pwatermark", "punsafe")
"""Copied from the input where it has them and they can be cast; null elsewhere."""

FROM_INPUT = pa.schema([PUBLISHED.field(name) for name in ("URL", "TEXT", *PASSED_THROUGH)])
"""The columns of a shard that come from the input."""
