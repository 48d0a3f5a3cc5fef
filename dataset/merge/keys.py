"""The identity of a row: its URL and its original caption, byte for byte."""

import hashlib
from array import array

import pyarrow as pa
import pyarrow.compute as pc

KEY = ("high", "low")
KEY_BYTES = 16
ADDRESS_BYTES = 8
ABSENT = "-"
LEADING_DIGITS = r"^[0-9a-f]{16}"
NO_IMAGE = "0" * 16


def row_keys(urls: pa.Array, texts: pa.Array, digests: pa.Array) -> tuple[pa.Array, pa.Array]:
    """128 bits of BLAKE2b for each row, as two columns of 64.

    Strangers write both texts, so the hash is one that nobody can steer, and the lengths stand in
    front: no other pair of texts spells the same key. Null differs from the empty text. A row without URL is
    told by its image.

    Args:
        urls: [rows] string.
        texts: [rows] string.
        digests: [rows] string: SHA-256 of the image, in hexadecimal digits.

    Returns:
        [rows] uint64 each, the high and the low half.
    """
    images = identify(urls, digests)
    lengths = [pc.binary_length(column).cast(pa.string()) for column in (images, texts)]
    joined = pc.binary_join_element_wise(
        *lengths, images, texts, ":", null_handling="replace", null_replacement=ABSENT
    )
    halves = _hashes(joined, KEY_BYTES)
    return _column(halves[::2]), _column(halves[1::2])


def identify(urls: pa.Array, digests: pa.Array) -> pa.Array:
    """[rows] string: the address of each row, or of a row without one its image; null where both lack."""
    return pc.coalesce(urls, pc.binary_join_element_wise("sha256", digests, ":"))


def text_hashes(texts: pa.Array) -> pa.Array:
    """[rows] uint64: 64 bits of BLAKE2b of each text, that of the empty one for null.

    What it groups (rows of an address, of a host) may be a few too many once in 10^9 rows.
    """
    return _column(_hashes(pc.fill_null(texts, ""), ADDRESS_BYTES))


def image_hashes(digests: pa.Array) -> pa.Array:
    """[rows] uint64: the first 64 bits of each SHA-256 in hexadecimal digits; 0 where there is none."""
    usable = pc.fill_null(pc.match_substring_regex(digests, LEADING_DIGITS), fill_value=False)
    digits = pc.if_else(usable, pc.utf8_slice_codeunits(digests, 0, len(NO_IMAGE)), NO_IMAGE)
    halves = array("Q")
    halves.frombytes(bytes.fromhex("".join(digits.to_pylist())))
    return _column(halves)


def _hashes(texts: pa.Array, size: int) -> "array[int]":
    hashes = array("Q")
    for text in texts.cast(pa.binary()).to_pylist():
        hashes.frombytes(hashlib.blake2b(text, digest_size=size).digest())
    return hashes


def _column(values: "array[int]") -> pa.Array:
    return pa.Array.from_buffers(pa.uint64(), len(values), [None, pa.py_buffer(values)])
