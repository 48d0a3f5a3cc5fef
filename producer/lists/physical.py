"""From the number of a record to the number of its line, which a person can look up."""

import csv
import io
from itertools import count

import pyarrow as pa

from producer.lists.kinds import Kind
from producer.lists.lines import LONGEST_LINE

DELIMITERS = {"csv": ",", "tsv": "\t"}


def physical_line(stream: pa.NativeFile, kind: Kind, record: int) -> int:
    """The number of the line on which a record begins: blank lines, and line ends within quotes, count.

    Args:
        stream: of the whole text.
        kind: of the list.
        record: its number; the header's is 1, and blank lines have none.
    """
    csv.field_size_limit(LONGEST_LINE)
    text = io.TextIOWrapper(io.BufferedReader(stream), "latin-1", newline="")
    rows = csv.reader(text, delimiter=DELIMITERS[kind.layout])
    found = count(1)
    try:
        while True:
            before = rows.line_num
            if next(rows) and next(found) == record:
                return before + 1
    except (StopIteration, csv.Error):  # the two readers differ on such damage
        return record
