"""Guarded downloads from untrusted URLs."""

from workers.fetch.fetcher import Fetched, Fetcher

__all__ = ["Fetched", "Fetcher"]
