"""The queue in Redis: app, message, live state, attempts, waiting batches, metrics."""
