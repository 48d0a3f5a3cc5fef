"""The queue in Redis: app, message, live state, attempts, and what is on its way."""
