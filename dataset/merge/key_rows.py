"""The rows of the first pass: of every input row its keys and its outcome."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dataset.deny.canonical import canonical_urls
from dataset.deny.denied import HOST
from dataset.merge.keys import identify, image_hashes, row_keys, text_hashes
from dataset.merge.outcomes import Filters

ROW_BITS = 32
"""Bits of a `place` that are the row in its shard; the shard's number stands above them."""
ROW = pa.schema(
    [
        ("url", pa.uint64()),  # a hash of the canonical address
        ("image", pa.uint64()),  # the first bits of the SHA-256; 0 where there is none
        ("high", pa.uint64()),
        ("low", pa.uint64()),
        ("place", pa.int64()),  # where the row lies, ascending in the order of the output
        ("run", pa.int16()),
        ("outcome", pa.int8()),
    ]
)
HOSTS = pa.field("host", pa.uint64())
"""A hash of the host, where rows are counted by host."""


@dataclass(frozen=True)
class Wanted:
    """The columns that the scan reads.

    Args:
        filters: which good rows stay out.
        schema: of the output; its columns' sizes are summed up.
        hosts: whether to hash the host.
    """

    filters: Filters
    schema: pa.Schema
    hosts: bool = False

    @property
    def rows(self) -> pa.Schema:
        return ROW.append(HOSTS) if self.hosts else ROW


def key_rows(rows: pa.RecordBatch, wanted: Wanted, first: int, run: int) -> pa.Table:
    """A row of `wanted.rows` for each of a shard's rows.

    Args:
        rows: with URL, TEXT, sha256 and the columns of the filters.
        wanted: filters and schema.
        first: the place of the first row.
        run: number of the shard's run.
    """
    urls = canonical_urls(rows["URL"])
    columns = [
        text_hashes(identify(pc.coalesce(urls, rows["URL"]), rows["sha256"])),
        image_hashes(rows["sha256"]),
        *row_keys(rows["URL"], rows["TEXT"], rows["sha256"]),
        pa.arange(first, first + rows.num_rows),
        pa.repeat(pa.scalar(run, pa.int16()), rows.num_rows),
        wanted.filters.outcomes(rows, urls),
    ]
    if wanted.hosts:
        columns.append(text_hashes(pc.struct_field(pc.extract_regex(urls, pattern=HOST), "host")))
    return pa.Table.from_arrays(columns, schema=wanted.rows)
