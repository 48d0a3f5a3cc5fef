"""How many downloads the process's file descriptors allow."""

import resource
from contextlib import suppress
from pathlib import Path

import structlog

PER_DOWNLOAD = 2
"""Two addresses of a host may be tried at once (RFC 8305); a lookup of its name opens one or two as well."""

RESERVE = 32
"""Left for the broker, the store, the part and the decoders."""

ENOUGH = 1 << 16
"""A hard limit may be a thousand million, through which some programs loop when they start another."""

log = structlog.get_logger(__name__)


def bound_flight(wanted: int) -> int:
    """As many downloads as wanted, or as descriptors allow; the soft limit is raised for them first."""
    held = sum(1 for _ in Path("/dev/fd").iterdir())
    limit = _raise_limit(max(ENOUGH, held + RESERVE + wanted * PER_DOWNLOAD))
    allowed = max(1, min(wanted, (limit - held - RESERVE) // PER_DOWNLOAD))
    if allowed < wanted:
        log.warning("downloads bounded by file descriptors", in_flight=allowed, wanted=wanted, limit=limit)
    return allowed


def _raise_limit(enough: int) -> int:
    """The soft limit on open files, raised towards the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return enough
    target = enough if hard == resource.RLIM_INFINITY else min(hard, enough)
    if soft < target:
        with suppress(ValueError, OSError):  # macOS has a lower limit that it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
