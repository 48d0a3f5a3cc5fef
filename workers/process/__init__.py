"""A worker process: start, checks, Celery's signals, health, metrics, stop."""
