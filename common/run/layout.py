"""Where things lie in the folder of a run; docs/architecture.md shows the tree."""

RUN_KEY = "run.json"
PARTS = "parts"
SHARDS = "shards"
FAILED = "failed"
STAGED = "staged"
INPUT = "input"


def part_key(part: str) -> str:
    return f"{PARTS}/{part}.json"


def staged_key(part: str) -> str:
    return f"{STAGED}/{part}.parquet"
