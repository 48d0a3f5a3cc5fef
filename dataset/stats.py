"""Counts and histograms of a data set: of a merged one from its footers, of a run from its shards."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from common.console.progress import progress
from common.console.words import printable
from common.parallel import ordered_map
from common.run.batch import Batch
from common.run.status import Status
from common.settings import S3Settings
from common.signs import sign_of
from common.store import absolute_uri, open_store
from dataset.figures.histogram import histograms
from dataset.figures.tally import COLUMNS, Tally, sum_tallies
from dataset.files.data_file import read_tally
from dataset.files.folder import read_merged, require_written
from dataset.rows.data_source import HUB, DataSource, open_data
from dataset.rows.run_source import Source, open_source
from dataset.rows.shards import shard_rows

THREADS = 4


@dataclass(frozen=True)
class Stats:
    """The figures of a run or a data set."""

    summary: str
    failures: dict[str, int]
    """Rows by status, `ok` left out."""
    rows: int
    """Good rows, those of the histograms."""
    tally: Tally
    signs: Counter[str] = field(default_factory=Counter)
    """Rows that a sign refused, by its name."""

    def text(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.summary
        if self.failures:
            yield ""
            width = len(f"{max(self.failures.values()):,}")
            for status, count in sorted(self.failures.items(), key=lambda item: -item[1]):
                yield f"{count:>{width},}  {status}"
        for sign, count in self.signs.most_common():
            yield f"{count:>{width},}  opt_out by {printable(sign)}"
        for histogram in histograms(self.tally):
            yield f"\n{histogram.title}"
            yield from histogram.lines()

    def to_json(self) -> str:
        figures = {"rows": self.rows, "failures": self.failures, "signs": dict(self.signs)}
        return json.dumps({**figures, "histograms": self.tally.model_dump()}, indent=1)


def read_stats(uri: str, s3: S3Settings) -> Stats:
    """The figures of the data set at `uri`, also on the Hub, or of the run there if it is not merged.

    Raises:
        FleetError: there is neither.
        BadRunError: a shard of the run is bad.
    """
    if uri.startswith(HUB):
        return _data_stats(open_data(uri, s3))
    store = open_store(absolute_uri(uri), s3)
    if read_merged(store) is None:
        return _run_stats(open_source(uri, s3))
    merged = require_written(store)
    counts = merged.counts
    tally = read_tally(store, merged.files, s3)
    return Stats(counts.sentence(), counts.failures, counts.rows_out, tally, Counter(counts.signs))


def _data_stats(source: DataSource) -> Stats:
    """Of a data set whose record was not published."""
    tally = Tally()
    with progress("reading rows", source.rows) as advance:
        for number, group in enumerate(source.groups):
            tally.add(source.read(number, COLUMNS))
            advance(group.rows)
    return Stats(f"{source.rows:,} rows in {source.uri}", {}, source.rows, tally)


def _run_stats(source: Source) -> Stats:
    statuses, signs, tallies = Counter[str](), Counter[str](), []
    with progress("reading shards", source.rows) as advance:
        for shard in ordered_map(lambda batch: _shard(source, batch), source.batches, THREADS):
            statuses += shard[0]
            signs += shard[1]
            tallies.append(shard[2])
            advance(shard[0].total())
    rows = statuses.pop(Status.OK, 0)
    planned = len(source.batches) + source.missing
    summary = (
        f"{rows:,} of {rows + statuses.total():,} rows have captions;"
        f" {len(source.batches):,} of {planned:,} batches are done; not merged"
    )
    return Stats(summary, dict(statuses), rows, sum_tallies(tallies), signs)


def _shard(source: Source, batch: Batch) -> tuple[Counter[str], Counter[str], Tally]:
    statuses, signs, tally = Counter[str](), Counter[str](), Tally()
    for rows in shard_rows(source.store, source.run, batch, ("status", "error", *COLUMNS)):
        for group in pc.value_counts(rows["status"]).to_pylist():
            statuses[group["values"]] += group["counts"]
        tally.add(pa.Table.from_batches([rows.filter(pc.equal(rows["status"], str(Status.OK)))]))
        refused = rows["error"].filter(pc.equal(rows["status"], str(Status.OPT_OUT)))
        signs += Counter(sign_of(error or "") for error in refused.to_pylist())
    return statuses, signs, tally
