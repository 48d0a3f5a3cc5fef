"""The contract of both sides of the queue: settings, manifest, schema, store, queue, console."""
