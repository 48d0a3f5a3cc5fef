"""The fleet from outside: real broker, real worker processes, real shards."""
