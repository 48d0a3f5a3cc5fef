"""Damaged images of every format and mode: `python -m tests.workers.decode.mutate SEED COUNT` decodes them.

Prints one JSON object: images by status, and the most memory that this process held, in bytes.
"""

import json
import random
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

from common.settings import DecodeSettings
from tests.peak import peak_bytes
from tests.workers.decode.samples import samples
from workers.decode.decoder import Decoder
from workers.decode.error import DecodeError

MAX_PIXELS = 10_000_000


def mutations(count: int, seed: int = 0, sources: Sequence[bytes] = ()) -> Iterator[bytes]:
    """Images with bytes changed, cut, doubled or swapped; of PNG half with checksums that fit."""
    dice = random.Random(seed)
    sources = sources or list(samples().values())
    for _ in range(count):
        body = bytearray(dice.choice(sources))
        for _ in range(dice.choice((1, 1, 1, 2, 4, 16, 64))):
            _mutate(body, dice)
        if dice.random() < 0.5:
            _repair(body)
        yield bytes(body)


def _mutate(body: bytearray, dice: random.Random) -> None:
    at, length = dice.randrange(len(body)), dice.randrange(1, 32)
    match dice.randrange(6):
        case 0:
            body[at] ^= 1 << dice.randrange(8)
        case 1:
            body[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF))
        case 2:
            body[at : at + length] = dice.randbytes(length)
        case 3 if len(body) > 64:
            del body[at : at + length]
        case 4:
            body[at:at] = body[at : at + length]
        case _:
            body[at : at + 4] = struct.pack(">I", dice.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)))


def _repair(body: bytearray) -> None:
    """Give every chunk of a PNG its checksum."""
    at = 8
    while body[:4] == b"\x89PNG" and at + 12 <= len(body):
        end = at + 8 + int.from_bytes(body[at : at + 4])
        if end + 4 <= len(body):
            body[end : end + 4] = struct.pack(">I", zlib.crc32(body[at + 4 : end]))
        at = end + 4


def main(seed: int, count: int) -> None:
    found: Counter[str] = Counter()
    with Decoder(DecodeSettings()) as decoder:
        for body in mutations(count, seed):
            try:
                decoder.decode(body, max_pixels=MAX_PIXELS)
                found["ok"] += 1
            except DecodeError as error:
                found["too slow" if error.detail.startswith("too slow") else error.status] += 1
    print(json.dumps({"statuses": found, "peak": peak_bytes()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
