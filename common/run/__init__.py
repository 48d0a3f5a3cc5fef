"""A run on disk: manifest, parts, columns of a shard, records of dead batches."""
