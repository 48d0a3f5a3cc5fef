"""The version of all rooms, in a module of its own: reading it takes a small process 50 ms."""

from importlib.metadata import version

__version__ = version("caption-fleet")
