"""However long a list is, its conversion takes the memory of a few blocks."""

import gzip
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

TEXT = "x" * 3_000

CONVERT = """
import sys
from pathlib import Path
from common.settings import S3Settings
from producer.lists import convert, kind_of, look_at_list
from tests.peak import peak_bytes

before = peak_bytes()
found = look_at_list(sys.argv[1], kind_of(sys.argv[1]), S3Settings())
convert(found, Path(sys.argv[2]), 1_000_000, S3Settings(), skip_bad_lines=False)
print(peak_bytes() - before >> 20)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rows", "most"),
    [("list.csv.gz", 400_000, 850), ("list.jsonl.gz", 150_000, 430), ("list.txt.gz", 150_000, 430)],
)
def test_memory_is_bounded(name: str, rows: int, most: int, tmp_path: Path) -> None:
    """Text that would not go into it whole; batches of a million rows are not held either."""
    head = b"URL,TEXT\n" if "csv" in name else b""
    line = {"list.csv.gz": f"http://a/1,{TEXT}\n", "list.jsonl.gz": f'{{"URL": "http://a/1{TEXT}"}}\n'}
    block = line.get(name, f"http://a/1{TEXT}\n").encode() * 1000
    packed = gzip.compress(block, 1)  # members of a gzip file follow each other
    (tmp_path / name).write_bytes(gzip.compress(head) + packed * (rows // 1000))
    words = [sys.executable, "-c", CONVERT, str(tmp_path / name), str(tmp_path / "part.parquet")]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    assert pq.read_metadata(tmp_path / "part.parquet").num_rows == rows
    assert int(done.stdout) < most
