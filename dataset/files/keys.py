"""Where things lie in the folder of a data set."""

MERGE_KEY = "merge.json"
NEXT_KEY = "merge.next.json"
"""The version that is being made of the one in `merge.json`; gone once it stands there."""
CARD_KEY = "README.md"
DATA = "data"


def data_key(number: int, total: int) -> str:
    """A file's key, named as the Hub's loaders expect."""
    return f"{DATA}/train-{number:05d}-of-{total:05d}.parquet"
