"""What both sides of the queue agree on: settings, schema, manifest, store, queue and logs."""

from importlib.metadata import version

__version__ = version("caption-fleet")
