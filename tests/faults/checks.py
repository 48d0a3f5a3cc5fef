"""How every test of the suite ends."""

import os
from pathlib import Path

import pytest

from tests.faults.fleet import Fleet, Run
from tests.faults.invariants import Findings, examine, remains

long = pytest.mark.skipif(os.environ.get("FAULTS") != "long", reason="is long, and left to make soak")
"""What `make test` leaves to the soak, so that its share of the suite stays at three minutes."""

SLACK = 8.0
"""Seconds that two shared cores may add to any bound, the start of a process included."""


def finish(
    crew: Fleet, run: Run, seconds: float = 45, *, mend: bool = False, restart: bool = False
) -> Findings:
    """Let the run end, and hold it against every invariant that files and broker can show.

    Args:
        crew: the fleet.
        run: a run in a folder.
        seconds: it may take.
        mend: queue again what is lost, as a cron job would.
        restart: start the last worker again when it ends, as a cluster would.
    """
    crew.site.release()
    crew.wait(run, seconds, mend=mend, restart=restart)
    findings = examine(Path(run.output))
    assert findings.sound, findings
    left = remains(crew.broker.client(), run.written() if mend else ())
    assert left == {}, left
    verdict = crew.verify(run)
    assert (verdict["rows_found"], verdict["duplicates"], verdict["bad_shards"]) == (findings.found, 0, 0)
    return findings


def counts(crew: Fleet, kind: str) -> dict[str, int]:
    """Attempts that count against batches, by batch; kind is `crashed` or `vanished`."""
    client = crew.broker.client()
    found: dict[str, int] = {}
    for key in client.scan_iter(f"fleet:*:attempts:{kind}"):
        found |= {str(batch): int(count) for batch, count in client.hgetall(key).items()}
    return found
