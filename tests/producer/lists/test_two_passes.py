"""A list is read twice, for its header and for its rows; the first pass leaves the file to the second.

pyarrow reads ahead in a thread that may outlive its reader: of 1,500 small lists 14 lost their first block or
were called damaged.
"""

import io
import threading

from producer.lists import delimited
from producer.lists.errors import BadLines
from producer.lists.kinds import Kind
from producer.lists.stream import Borrowed, lend_text

KIND = Kind("csv", None)
LINES = b"URL\nhttp://a/1\nhttp://a/2\n"


class SlowFile(io.BytesIO):
    """Bytes that are read only after `go`."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.asked, self.go = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.asked.set()
        assert self.go.wait(10)
        return super().read(size)


def test_a_text_that_was_taken_back_is_at_its_end() -> None:
    file = io.BytesIO(LINES)
    with lend_text(file, KIND) as text:
        assert text.read(4) == LINES[:4]
    file.seek(0)
    assert text.read(4) == b""
    assert file.tell() == 0


def test_a_read_that_goes_on_ends_before_the_text_is_back() -> None:
    file = SlowFile(LINES)
    text = Borrowed(file)
    reading = threading.Thread(target=text.read, args=(len(LINES),))
    taking = threading.Thread(target=text.take_back)
    reading.start()
    assert file.asked.wait(10)
    taking.start()
    assert taking.is_alive()
    file.go.set()
    reading.join(10)
    taking.join(10)
    assert file.tell() == len(LINES)


def test_all_rows_come_out() -> None:
    batches = delimited.read_delimited(io.BytesIO(LINES), KIND, BadLines(skip=False))
    assert [url for batch in batches for url in batch["URL"].to_pylist()] == ["http://a/1", "http://a/2"]
