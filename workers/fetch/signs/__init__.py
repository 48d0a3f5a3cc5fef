"""The parsers of signs, a file for each family of `common/signs.py`: they open nothing."""
