"""What tells one version of a file from the next."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Bytes of a file, and an etag where its place has one."""

    size: int
    etag: str | None = None
