"""Lists of links that are no parquet: converted once, into a part of the run's own."""

from producer.lists.convert import LinkList, convert, look_at_list, made_key
from producer.lists.kinds import Kind, kind_of

__all__ = ["Kind", "LinkList", "convert", "kind_of", "look_at_list", "made_key"]
