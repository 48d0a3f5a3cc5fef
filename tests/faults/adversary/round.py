"""One round: a healthy run, and everything that strangers can do to it."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.queue.kombu_queue import UNACKED
from common.queue.message import QUEUE, TASK
from common.queue.set_aside import SET_ASIDE
from common.run.batch import batch_id
from common.run.planned_part import part_id
from tests.faults.adversary.bucket import litter, write_hostile_run
from tests.faults.adversary.messages import arguments, envelope, hold_rubbish, hostile_messages
from tests.faults.adversary.site import hostile_urls
from tests.faults.fleet import Fleet, Run
from tests.faults.invariants import HOSTILE, Findings, examine
from tests.faults.site import COLOURS
from tests.faults.waiting import until

MOST_RETURNED = 2
"""Put-backs by proven workers: so that a round ends in minutes."""

ENVIRONMENT = {
    "FLEET_FETCH_TIMEOUT": "5",
    "FLEET_FETCH_READ_TIMEOUT": "3",
    "FLEET_FETCH_PER_HOST": "8",
    "FLEET_DECODE_SECONDS": "3",
    "FLEET_DECODE_BATCH_SECONDS": "30",
    "FLEET_LEASE_MAX_RETURNED": str(MOST_RETURNED),
}


@dataclass(frozen=True, slots=True)
class Mix:
    """How much of everything.

    Args:
        rows: healthy ones, in `batches`.
        batches: of the healthy run; each holds its share of hostile rows, too.
        urls: hostile rows in all.
        messages: of strangers.
        runs: that cannot be done.
        laborious: images that take seconds each are among the hostile rows.
    """

    rows: int = 2000
    batches: int = 20
    urls: int = 400
    messages: int = 200
    runs: int = 20
    laborious: bool = True


@dataclass
class Outcome:
    """What came of a round."""

    findings: Findings
    hostile: Counter[str] = field(default_factory=Counter)
    set_aside: int = 0
    ended: int = 0
    dead: int = 0

    @property
    def is_sound(self) -> bool:
        """Every healthy row ended as it would alone, and no worker ended."""
        return self.findings.sound and not (self.findings.dead or self.ended)


def play(crew: Fleet, ports: list[int], mix: Mix, seed: int) -> Outcome:
    """Queue the healthy run among the strangers' work, and wait for all of it.

    Args:
        crew: with its workers under way.
        ports: of the hostile servers.
        mix: of everything.
        seed: of the order and of every choice.

    Raises:
        TimeoutError: the healthy run, or the queue, does not end.
    """
    chance = random.Random(seed)
    client = crew.broker.client()
    client.delete(SET_ASIDE)
    run = _plan(
        crew,
        f"healthy{seed}",
        list(islice(hostile_urls(ports, chance, laborious=mix.laborious), mix.urls)),
        mix,
    )
    done = crew.producer("enqueue", run.part, "--output", run.output, "--batch-rows", _batch_rows(mix))
    assert done.returncode == 0, done.stderr
    for raw in _strangers(crew, run, mix, chance):
        client.lpush(QUEUE, raw) if chance.random() < 0.5 else client.rpush(QUEUE, raw)
        if chance.random() < 0.2:
            litter(Path(run.output), chance.randrange(100), chance)
            hold_rubbish(client, chance)
    patience = 300 + mix.urls
    crew.wait(run, patience, mend=True)
    until(
        lambda: not (client.llen(QUEUE) or client.hlen(UNACKED)),
        patience,
        "the end of the strangers' work",
        0.2,
    )
    return Outcome(
        examine(Path(run.output)),
        _hostile_statuses(run),
        int(client.llen(SET_ASIDE)),
        sum(not worker.alive for worker in crew.workers),
        sum(1 for _ in Path(crew.environment["FLEET_OUTPUT"]).glob("evil*/failed/*/*.json")),
    )


def _batch_rows(mix: Mix) -> int:
    return (mix.rows + mix.urls) // mix.batches + 1


def _plan(crew: Fleet, name: str, hostile: list[str], mix: Mix) -> Run:
    """The input of the healthy run: in each batch healthy rows, hostile ones, and one that is forbidden."""
    path = crew.folder / "in" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    part, rows = part_id(str(path)), _batch_rows(mix)
    ids = [batch_id(part, number * rows) for number in range(mix.batches)]
    table: list[dict[str, Any]] = []
    for number, batch in enumerate(ids):
        strange = hostile[number :: mix.batches]
        kinds = [HOSTILE] * len(strange) + ["blocked"]
        kinds += [COLOURS[n % len(COLOURS)] for n in range(rows - len(kinds))]
        random.Random(batch).shuffle(kinds)
        urls = {HOSTILE: iter(strange), "blocked": iter([crew.forbidden_url])}
        for row, kind in enumerate(kinds):
            url = next(urls[kind]) if kind in urls else crew.site.link(batch, row + 1, kind)
            table.append({"URL": url, "TEXT": f"{batch} {row}", "expected": kind})
    pq.write_table(pa.Table.from_pylist(table), path)
    return Run(f"{crew.environment['FLEET_OUTPUT']}/{name}", ids, path)


def _strangers(crew: Fleet, run: Run, mix: Mix, chance: random.Random) -> Iterator[str]:
    output = Path(crew.environment["FLEET_OUTPUT"])
    healthy = str(crew.broker.client().lindex(QUEUE, 0))
    messages = hostile_messages(healthy, str(output), chance)
    run_json = (Path(run.output) / "run.json").read_bytes()
    turns = [True] * mix.runs + [False] * mix.messages
    chance.shuffle(turns)
    for turn in turns:
        if turn:
            folder = output / f"evil{chance.randrange(10**9)}"
            yield envelope(TASK, arguments(**write_hostile_run(folder, run_json, chance)))
        else:
            yield next(messages)


def _hostile_statuses(run: Run) -> Counter[str]:
    expected = pq.read_table(run.part, columns=["expected"])["expected"].to_pylist()
    found: Counter[str] = Counter()
    for path in run.shards.rglob("*.parquet"):
        rows = pq.read_table(path, columns=["row", "status"]).to_pylist()
        found.update(row["status"] for row in rows if expected[row["row"]] == HOSTILE)
    return found


def to_json(outcome: Outcome) -> dict[str, Any]:
    """For the report."""
    findings = outcome.findings
    return {
        "sound": outcome.is_sound,
        "rows": findings.found,
        "lost": len(findings.lost),
        "doubled": len(findings.doubled),
        "bad": findings.bad[:10],
        "dead": json.loads(json.dumps(findings.dead)),
        "hostile_rows": dict(outcome.hostile),
        "set_aside": outcome.set_aside,
        "dead_strangers": outcome.dead,
        "workers_ended": outcome.ended,
    }
