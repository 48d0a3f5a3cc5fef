"""The lists that img2dataset writes beside its images: a row for each link, failed downloads included."""

KEY = "key"
"""Column of the names of the images, without their endings."""

STATUS, MESSAGE = "status", "error_message"
SUCCESS = "success"
OPT_OUT = "Use of image disallowed by"
"""How img2dataset's words for an opt-out begin."""

COLUMNS = frozenset({KEY, STATUS, MESSAGE})
"""By which its lists are known."""

LIST, STATS = ".parquet", "_stats.json"
"""Endings of a shard's list, and of its statistics, which are written last."""
