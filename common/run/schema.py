"""The parquet schema of a shard: the columns of the published LAION-COCO, then ours."""

from enum import StrEnum

import pyarrow as pa


class Status(StrEnum):
    """What became of an input row; every row of a shard has exactly one."""

    OK = "ok"
    INVALID_URL = "invalid_url"
    BLOCKED = "blocked"
    DNS_ERROR = "dns_error"
    CONNECT_ERROR = "connect_error"
    TLS_ERROR = "tls_error"
    TIMEOUT = "timeout"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    TOO_LARGE = "too_large"
    NOT_AN_IMAGE = "not_an_image"
    DECODE_ERROR = "decode_error"
    IMAGE_TOO_LARGE = "image_too_large"
    DECODE_CRASH = "decode_crash"
    OPT_OUT = "opt_out"
    FILTERED = "filtered"


PUBLISHED = pa.schema(
    [
        ("URL", pa.string()),
        ("TEXT", pa.string()),
        ("top_caption", pa.string()),
        ("all_captions", pa.list_(pa.string())),
        ("all_similarities", pa.list_(pa.float64())),
        ("WIDTH", pa.int64()),
        ("HEIGHT", pa.int64()),
        ("similarity", pa.float64()),
        ("hash", pa.int64()),
        ("pwatermark", pa.float64()),
        ("punsafe", pa.float64()),
    ]
)
"""The columns of LAION-COCO as published, in order (huggingface.co/datasets/laion/laion-coco)."""

OURS = pa.schema(
    [
        ("shortlist", pa.list_(pa.string())),
        ("shortlist_similarities", pa.list_(pa.float64())),
        ("repaired_caption", pa.string()),
        ("part", pa.string()),
        ("row", pa.int64()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("sha256", pa.string()),
    ]
)

SHARD = pa.schema([*PUBLISHED, *OURS])

PASSED_THROUGH = ("WIDTH", "HEIGHT", "similarity", "hash", "pwatermark", "punsafe")
"""Copied from the input where it has them and they can be cast; null elsewhere."""
