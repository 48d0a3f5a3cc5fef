"""Guarded downloads from untrusted URLs."""

from workers.fetch.fetcher import Fetcher
from workers.fetched import Fetched

__all__ = ["Fetched", "Fetcher"]
