"""Keys in Redis that belong to one run."""

import hashlib


def run_prefix(run: str) -> str:
    """Prefix of the keys of one run."""
    return f"fleet:{hashlib.sha256(run.encode()).hexdigest()[:16]}"
