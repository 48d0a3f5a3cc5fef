"""Where what is known of a site lies in Redis.

Hashes of about a hundred short fields take 20 to 74 bytes an entry, a key for each with an expiry 100 and
more. Entries have no expiry of their own: a day's hashes are other ones than the next day's.
"""

import hashlib

BUCKETS = 1 << 16
DAY = 86_400
SITES_KEPT = 2 * DAY
"""Seconds: an entry holds for at most one day, and is read on the next one, too."""

NAME_BYTES = 9


def site_keys(origin: str, now: float) -> list[tuple[str, bytes]]:
    """Hash and field of a site: today's, in which it is written, and yesterday's.

    Args:
        origin: scheme, host and port.
        now: seconds since 1970.
    """
    digest = hashlib.blake2b(origin.encode(), digest_size=NAME_BYTES + 2).digest()
    bucket, day = int.from_bytes(digest[:2], "big") % BUCKETS, int(now // DAY)
    return [(f"fleet:sites:{day - ago}:{bucket}", digest[2:]) for ago in (0, 1)]


def lock_key(origin: str) -> str:
    """Held while one worker finds out."""
    return f"fleet:site:{hashlib.blake2b(origin.encode(), digest_size=NAME_BYTES).hexdigest()}"
