"""The contract of both sides of the queue: settings, manifest, schema, store, queue, console."""

from common.lazy import load_on_use

__getattr__ = load_on_use(__name__, {"__version__": "common.version"})
