"""A shard's columns, those of the published LAION-COCO and then ours, and the statuses of its rows.

`python -m common.run.schema_page` writes docs/shards.md from it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from common.explained import Explained


class Status(Explained):
    """The outcome of an input row, with its meaning; every row of a shard has exactly one."""

    OK = "ok", "captioned"
    INVALID_URL = "invalid_url", "the address is not one"
    BLOCKED = "blocked", "the address leads where a fetcher must not go"
    DNS_ERROR = "dns_error", "the host name is not known"
    CONNECT_ERROR = "connect_error", "the host did not accept a connection"
    TLS_ERROR = "tls_error", "the host's certificate is not valid"
    TIMEOUT = "timeout", "the host was too slow"
    HTTP_4XX = "http_4xx", "the picture is gone, or not for everyone"
    HTTP_5XX = "http_5xx", "the host failed"
    TOO_MANY_REDIRECTS = "too_many_redirects", "the host sent the fetcher from one address to the next"
    TOO_LARGE = "too_large", "more bytes than the limit"
    NOT_AN_IMAGE = "not_an_image", "something other than a picture"
    DECODE_ERROR = "decode_error", "the picture is damaged, or too slow to decode"
    IMAGE_TOO_LARGE = "image_too_large", "more pixels than the limit"
    DECODE_CRASH = "decode_crash", "the picture crashed the decoder"
    OPT_OUT = "opt_out", "the host asks not to use it for machine learning"
    FILTERED = "filtered", "a rule of the run's took it out"
    NO_IMAGE = "no_image", "the input names an image that it does not hold"
    NO_CAPTION = "no_caption", "nothing usable was written"


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
