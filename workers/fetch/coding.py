"""Content codings (RFC 9110, 8.4), undone if a body really has them.

Object stores hold `UTF-8`, `aws-chunked` or `none` in Content-Encoding, and `gzip` beside a plain JPEG.
So unknown tokens mean identity, and so do known ones that the body contradicts: the decoder judges it.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

import pyarrow as pa

from common.run.status import Status
from workers.fetch.failure import Failure

MAX_CODINGS = 5
PIECE = 1 << 16
_ALIASES = {"x-gzip": "gzip"}


def parse_codings(headers: Sequence[str]) -> list[str]:
    """The known codings of Content-Encoding headers, in the order in which they were applied."""
    if not headers:
        return []
    tokens = (token.strip().lower() for header in headers for token in header.split(","))
    codings = (_ALIASES.get(token, token) for token in tokens)
    return [coding for coding in codings if coding in _READERS]


def undo_codings(body: bytes, codings: list[str], max_bytes: int) -> bytes:
    """The body without its codings.

    Args:
        body: as received.
        codings: of `parse_codings`.
        max_bytes: longest result, also between two codings.

    Raises:
        Failure: it is longer, or there are too many codings.
    """
    if len(codings) > MAX_CODINGS:
        raise Failure(Status.NOT_AN_IMAGE, f"Content-Encoding: more than {MAX_CODINGS} codings")
    for coding in reversed(codings):
        body = _undo(body, coding, max_bytes)
    return body


def _undo(body: bytes, coding: str, max_bytes: int) -> bytes:
    """All that can be read as this coding; the body itself if nothing can."""
    for read in _READERS[coding]:
        pieces = []
        left = max_bytes
        with suppress(OSError, pa.ArrowException, zlib.error):
            for piece in read(body):
                left -= len(piece)
                if left < 0:
                    raise Failure(
                        Status.TOO_LARGE, f"more than {max_bytes} bytes of Content-Encoding: {coding}"
                    )
                pieces.append(piece)
        if any(pieces):
            return b"".join(pieces)
    return body


def _read_zlib(window: int, body: bytes) -> Iterator[bytes]:
    """One stream; trailing bytes are ignored, as Chromium does."""
    stream = zlib.decompressobj(window)
    for start in range(0, len(body), PIECE):
        piece = body[start : start + PIECE]
        while piece and not stream.eof:
            yield stream.decompress(piece, PIECE)
            piece = stream.unconsumed_tail


def _read_arrow(codec: str, body: bytes) -> Iterator[bytes]:
    with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
        while piece := stream.read(PIECE):
            yield piece


_READERS: dict[str, tuple[Callable[[bytes], Iterator[bytes]], ...]] = {
    "gzip": (partial(_read_zlib, 16 + zlib.MAX_WBITS),),
    "deflate": (partial(_read_zlib, zlib.MAX_WBITS), partial(_read_zlib, -zlib.MAX_WBITS)),
    "br": (partial(_read_arrow, "brotli"),),
    "zstd": (partial(_read_arrow, "zstd"),),
}
"""How each coding is read; deflate is zlib's format, and many servers send it without its frame."""
