"""Many small shards of one or more runs become a few large parquet files, each row once."""
