"""The proof that a store keeps the promises of a create-only write, made once for each run."""

import json
from uuid import uuid4

from common.errors import StoreError
from common.store.base import Store
from common.version import __version__

PROOF_KEY = "proof.json"
"""In a run whose store has passed; it names the store, since a run may be copied into another."""
TRIALS = "proof"


def is_proven(store: Store) -> bool:
    """Whether this run remembers that its store has passed.

    Raises:
        StoreError: the store cannot be read.
    """
    try:
        return bool(json.loads(store.read(PROOF_KEY) or b"{}")["store"] == store.uri)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def prove(store: Store) -> None:
    """Write an object, fail to write it again, read it back. Leaves nothing.

    Raises:
        StoreError: the line names the property that is missing.
    """
    key = f"{TRIALS}/{uuid4().hex}"
    body = f"a trial of this store by caption-fleet: {key}\n".encode()
    with store.trial(key):
        if not store.create(key, body) or store.create(key, b"overwritten"):
            raise StoreError(
                f"{store.uri}: this store has no conditional write (it overwrites objects in spite of"
                " If-None-Match: *); use one that has, or a folder"
            )
        if store.read(key) != body:
            raise StoreError(
                f"{store.uri}: this store fails at read-back (an object holds other bytes than were written);"
                " try FLEET_S3_CHECKSUM=none, or use another store"
            )


def remember_proof(store: Store) -> None:
    """Note in the run that its store has passed; the next producer need not try again.

    Raises:
        StoreError: it cannot be written.
    """
    note = {"store": store.uri, "version": __version__}
    store.create(PROOF_KEY, (json.dumps(note, indent=1) + "\n").encode())


def require_proof(store: Store) -> None:
    """Prove the store unless the run remembers that it has passed.

    Raises:
        StoreError: the store is not fit to hold a run.
    """
    if not is_proven(store):
        prove(store)
        remember_proof(store)
