"""The hostile web: addresses that strangers chose, downloaded under guard."""

from workers.fetch.fetcher import Fetched, Fetcher

__all__ = ["Fetched", "Fetcher"]
