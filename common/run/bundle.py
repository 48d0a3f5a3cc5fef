"""Many small objects with a few requests: bundles of them, checked by one listing.

The objects are the truth. A bundle holds those that one producer wrote, a line each, and stands in for each
of them that the listing shows with the size that it has in the bundle.
"""

import hashlib
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from common.store import Store

BUNDLES = "bundles"
READERS = 32


def read_objects(store: Store, folder: str, known: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Every object of a folder but those of the keys `known`, by key.

    Raises:
        StoreError: the store cannot be reached.
    """
    sizes = {entry.key: entry.size for entry in store.list(folder) if entry.key not in known}
    bundled = _read_bundles(store, sizes) if len(sizes) > 1 else {}
    with ThreadPoolExecutor(READERS) as pool:
        keys = sorted(sizes)
        for key, body in zip(
            keys, pool.map(lambda key: bundled.pop(key, None) or store.read(key), keys), strict=True
        ):
            if body is not None:
                yield key, body


def write_bundle(store: Store, objects: Mapping[str, bytes]) -> None:
    """Keep objects together, once each has been written.

    Raises:
        StoreError: the store cannot be written.
    """
    lines = (json.dumps({"key": key, "body": body.decode()}) + "\n" for key, body in objects.items())
    whole = "".join(lines).encode()
    store.create(f"{BUNDLES}/{hashlib.sha256(whole).hexdigest()[:32]}.jsonl", whole)


def _read_bundles(store: Store, sizes: Mapping[str, int]) -> dict[str, bytes]:
    keys = sorted(entry.key for entry in store.list(BUNDLES))
    found: dict[str, bytes] = {}
    with ThreadPoolExecutor(READERS) as pool:
        for bundle in pool.map(store.read, keys):
            found.update(_fitting(_parse(bundle or b""), sizes))
    return found


def _fitting(objects: Iterable[tuple[str, bytes]], sizes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    return ((key, body) for key, body in objects if sizes.get(key) == len(body))


def _parse(bundle: bytes) -> Iterator[tuple[str, bytes]]:
    """The objects of a bundle; a damaged line stands in for nothing."""
    for line in io.BytesIO(bundle):
        try:
            fields = json.loads(line)
            yield str(fields["key"]), fields["body"].encode()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
