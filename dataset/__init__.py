"""What people get: merged parquet, its card, a gallery, the survey."""
