"""The figures of a run name the signs that refused its rows."""

import json
import random
from dataclasses import replace

from common.run.status import Status
from common.settings import S3Settings
from dataset.stats import read_stats
from tests.dataset.conftest import NewStore
from tests.dataset.synthetic import RunShape, captioned, failed, write_manifest, write_shard

ERRORS = ("robots.txt: Disallow: /", "robots.txt: Disallow: /c", "redirect: x-robots-tag: noai")


def test_refused_rows_are_counted_by_sign(folder_store: NewStore) -> None:
    links = [{"URL": f"https://images.example/{n}.jpg", "TEXT": "a text"} for n in range(4)]
    refused = [
        {**failed(link, Status.OPT_OUT), "error": error}
        for link, error in zip(links[1:], ERRORS, strict=True)
    ]
    store, shape = folder_store("run"), replace(RunShape(), parts=1, part_rows=4, batch_rows=4)
    write_manifest(store, shape)
    (batch,) = shape.batches()
    write_shard(store, shape, batch, [captioned(links[0], random.Random(1)), *refused])
    stats = read_stats(store.uri, S3Settings())
    assert json.loads(stats.to_json())["signs"] == {"robots.txt": 2, "x-robots-tag:noai": 1}
    assert "2  opt_out by robots.txt" in stats.text()
