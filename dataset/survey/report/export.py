"""Raw answers as parquet."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dataset.survey.report.observations import Round

SCHEMA = pa.schema(
    [
        ("survey", pa.string()),
        ("rater", pa.int64()),
        ("sample", pa.string()),
        ("source", pa.string()),
        ("caption", pa.string()),
        ("original_caption", pa.string()),
        ("truth", pa.string()),
        ("guess", pa.string()),
        ("rating", pa.int64()),
        ("revision", pa.int64()),
        ("answered_at", pa.timestamp("ms", "UTC")),
        ("seconds", pa.float64()),
    ]
)
"""One row an answer that stands, attention checks left out; raters are numbers."""


def write_answers(rounds: Sequence[Round], file: Path) -> None:
    """All rounds into one file."""
    pq.write_table(pa.concat_tables([_table(one) for one in rounds]), file, compression="zstd")


def _table(one: Round) -> pa.Table:
    captions = {sample.id: sample.caption for sample in one.survey.samples}
    origins = [one.truth.samples[each.sample] for each in one.observations]
    columns = {
        "survey": [str(one.folder.absolute())] * len(origins),
        "rater": [each.rater for each in one.observations],
        "sample": [each.sample for each in one.observations],
        "source": [origin.source for origin in origins],
        "caption": [captions[each.sample] for each in one.observations],
        "original_caption": [origin.caption for origin in origins],
        "truth": [str(each.truth) for each in one.observations],
        "guess": [str(each.guess) for each in one.observations],
        "rating": [each.rating for each in one.observations],
        "revision": [each.revision for each in one.observations],
        "answered_at": pa.array([each.at for each in one.observations]).cast(pa.timestamp("ms", "UTC")),
        "seconds": [each.seconds for each in one.observations],
    }
    return pa.table(columns, SCHEMA)
