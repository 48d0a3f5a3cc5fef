"""The contract of both sides of the queue: settings, manifest, schema, store, queue, console."""

from importlib.metadata import version

__version__ = version("caption-fleet")
