"""The published data: merged parquet, its card, a gallery, the survey."""
