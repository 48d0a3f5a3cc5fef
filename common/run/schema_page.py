"""The columns and statuses of shards, from the code: `python -m common.run.schema_page > docs/shards.md`."""

import sys
from collections.abc import Iterator, Sequence

from common.run.schema import LAION_COCO, OUR_OWN, Column
from common.run.status import Status

HEAD = """# Shards

`shards/<part>/<first row>.parquet` holds one row for each row of its batch: none missing, none twice, in
the order of the input. Image bytes are never stored. The metadata of each file, under `fleet`, names the
run, the batch, the models with their revisions and dtype, the sampling settings, the thresholds, the honoured
signs, the SHA-256 of each deny list and the version, as JSON.

```python
import pandas
captions = pandas.read_parquet("s3://bucket/run/shards")
```

This page is written by `python -m common.run.schema_page`."""


def schema_page() -> str:
    """The page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from (HEAD, "", "## The columns of LAION-COCO", "", *_table(LAION_COCO))
    yield from ("", "WIDTH and those after it are copied from the input; null where it lacks them.", "")
    yield from ("## The fleet's own", "", *_table(OUR_OWN), "")
    yield from (
        "## Statuses",
        "",
        "Captions are null in every row that is not `ok`; `error` holds the detail.",
        "",
    )
    yield from ("| status | meaning |", "|---|---|")
    yield from (f"| `{status}` | {status.meaning} |" for status in Status)


def _table(columns: Sequence[Column]) -> Iterator[str]:
    yield from ("| column | type | meaning |", "|---|---|---|")
    yield from (f"| `{column.name}` | {column.type_name} | {column.meaning} |" for column in columns)


if __name__ == "__main__":
    sys.stdout.write(schema_page())
