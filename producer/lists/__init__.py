"""Lists of links that are no parquet: converted once, into a part of the run's own."""

from producer.lists.convert import LinkList, convert, look_at_list
from producer.lists.kinds import kind_of

__all__ = ["LinkList", "convert", "kind_of", "look_at_list"]
