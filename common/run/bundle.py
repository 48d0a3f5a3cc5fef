"""Many small objects with a few requests: bundles of them, checked by one listing.

The objects are the truth. A bundle holds those that one producer wrote, a line each, and stands in for each
of them that the listing shows with the size that it has in the bundle.
"""

import hashlib
import io
import json
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain, islice

from common.errors import StoreError
from common.store import Store

BUNDLES = "bundles"
BUNDLED = 5000
"""Objects of one bundle: some megabytes."""
AHEAD = 16
"""Bundles that are read while their objects are listed."""
LOOSE = 100
"""Objects outside of bundles that are worth one: each costs every look a request."""
READERS = 32
OBJECT_BYTES = 1 << 20
"""The longest record of one part."""


def read_objects(
    store: Store, folder: str, known: Collection[str], *, bundle_loose: bool = False
) -> Iterator[tuple[str, bytes]]:
    """Every object of a folder but those of the keys `known`, in no order.

    Args:
        store: of the run.
        folder: of the objects.
        known: keys that are not read.
        bundle_loose: bundle those that had to be read one by one, if they are many and the store lets it.

    Raises:
        StoreError: the store cannot be reached.
    """
    with ThreadPoolExecutor(1) as pool:
        ahead = None if known else pool.submit(_read_ahead, store)
        sizes = {entry.key: entry.size for entry in store.list(folder) if entry.key not in known}
    if len(sizes) > 1:
        bundles = _read_bundles(store, *(ahead.result() if ahead else _read_ahead(store)))
        for key, body in _select_current(chain.from_iterable(map(_parse, bundles)), sizes):
            del sizes[key]
            yield key, body
    with ThreadPoolExecutor(READERS) as pool:
        read, loose = partial(store.read, most=OBJECT_BYTES), dict[str, bytes]()
        for key, found in zip(sizes, pool.map(read, sizes), strict=True):
            if found is not None:
                yield key, found
                if bundle_loose:
                    loose[key] = found
    if len(loose) >= LOOSE:
        with suppress(StoreError):
            write_bundle(store, loose)


def write_bundle(store: Store, objects: Mapping[str, bytes]) -> None:
    """Keep objects together, once each has been written.

    Raises:
        StoreError: the store cannot be written.
    """
    remaining = iter(objects.items())
    while some := list(islice(remaining, BUNDLED)):
        lines = (json.dumps({"key": key, "body": body.decode()}) + "\n" for key, body in some)
        whole = "".join(lines).encode()
        store.create(f"{BUNDLES}/{hashlib.sha256(whole).hexdigest()[:32]}.jsonl", whole)


def _read_ahead(store: Store) -> tuple[deque[bytes], list[str]]:
    """The first bundles, and the keys of the others."""
    keys = sorted(entry.key for entry in store.list(BUNDLES))
    return deque(store.read(key) or b"" for key in keys[:AHEAD]), keys[AHEAD:]


def _read_bundles(store: Store, first: deque[bytes], others: Sequence[str]) -> Iterator[bytes]:
    """One bundle at a time: half a million records need not be in memory."""
    while first:
        yield first.popleft()
    for key in others:
        yield store.read(key) or b""


def _select_current(
    objects: Iterable[tuple[str, bytes]], sizes: Mapping[str, int]
) -> Iterator[tuple[str, bytes]]:
    return ((key, body) for key, body in objects if sizes.get(key) == len(body))


def _parse(bundle: bytes) -> Iterator[tuple[str, bytes]]:
    """The objects of a bundle; a damaged line stands in for nothing."""
    for line in io.BytesIO(bundle):
        try:
            fields = json.loads(line)
            yield str(fields["key"]), fields["body"].encode()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
