"""A fleet to be broken: workers, runs, and the commands that mend it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from common.run.batch import batch_id
from common.run.planned_part import part_id
from producer.cli import main
from tests.faults.broker import Broker
from tests.faults.site import Site
from tests.faults.waiting import slowness, until
from tests.lean import lean_path
from tests.processes import run_here

SHORT_LEASE = {
    "FLEET_LEASE_VISIBILITY_TIMEOUT": "6",
    "FLEET_LEASE_SWEEP": "1",
    "FLEET_LEASE_GRACE": "2",
    "FLEET_LEASE_BEAT": "1",
}
LOST_AFTER = 7
"""Seconds after which a silent worker's batch is back in the queue: visibility timeout and sweep."""

ORDINARY = {
    "FLEET_MODELS": "fake",
    "FLEET_FETCH_ALLOW_NETWORKS": "127.0.0.1/32",
    "FLEET_FETCH_TIMEOUT": "600",
    "FLEET_FETCH_READ_TIMEOUT": "600",
    "FLEET_FETCH_RETRIES": "0",
    "OMP_NUM_THREADS": "1",
}
START_SECONDS = 60


@dataclass
class Worker:
    """One `celery -A workers worker` and its children, in a process group of their own."""

    name: str
    log: Path
    process: "subprocess.Popen[bytes]"
    orphans: list[psutil.Process] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def ready(self) -> bool:
        return "ready." in self.log.read_text(errors="replace")

    def children(self) -> list[psutil.Process]:
        """The pool's children that run batches."""
        with suppress(psutil.Error):
            if not self.alive:
                return []
            return [
                one for one in psutil.Process(self.pid).children() if "spawn_main" in " ".join(one.cmdline())
            ]
        return []

    def kill(self) -> None:
        """The whole worker at once, as when its node dies."""
        self.signal_all(signal.SIGKILL)
        self.process.wait()
        for orphan in self.orphans:
            with suppress(psutil.NoSuchProcess):
                orphan.kill()

    def kill_parent(self) -> None:
        """The parent alone; its children go on until they notice."""
        self.orphans = psutil.Process(self.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()

    def kill_child(self, number: signal.Signals = signal.SIGKILL) -> bool:
        """One child; False where there is none now."""
        with suppress(psutil.Error, IndexError):
            self.children()[0].send_signal(number)
            return True
        return False

    def signal_all(self, number: signal.Signals) -> None:
        """The worker and its children, if it lives: the number of a dead one may be a stranger's by now."""
        if self.alive:
            os.killpg(self.pid, number)

    def terminate(self) -> None:
        self.process.terminate()

    def wait(self, seconds: float) -> None:
        """Until it has ended by itself."""
        until(lambda: not self.alive, seconds, f"the end of {self.name}")

    def end(self, seconds: float = 20) -> int:
        """SIGTERM, and SIGKILL for whoever is left; the exit code."""
        self.terminate()
        with suppress(TimeoutError):
            self.wait(seconds)
        self.kill()
        return self.process.returncode

    def events(self, name: str) -> list[dict[str, Any]]:
        """Lines of the log with this event."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.startswith("{")]
        return [event for event in map(json.loads, lines) if event["event"] == name]


@dataclass
class Run:
    """One run: where it is, and its batches."""

    output: str
    batches: list[str]
    part: Path

    @property
    def shards(self) -> Path:
        return Path(self.output) / "shards"

    def written(self) -> set[str]:
        """The batches with a shard."""
        shards = self.shards.rglob("*.parquet")
        return {path.relative_to(self.shards).with_suffix("").as_posix() for path in shards}

    def done(self) -> int:
        """Shards in the folder."""
        return sum(1 for _ in self.shards.rglob("*.parquet"))

    def dead(self) -> int:
        return sum(1 for _ in (Path(self.output) / "failed").rglob("*.json"))


@dataclass
class Fleet:
    """Everything that a test breaks; `environment` is what every process of it gets."""

    folder: Path
    broker: Broker
    site: Site
    forbidden_url: str
    environment: dict[str, str] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    started: int = 0

    def __post_init__(self) -> None:
        self.environment = {
            **ORDINARY,
            **SHORT_LEASE,
            "FLEET_BROKER_URL": self.broker.url,
            "FLEET_OUTPUT": str(self.folder / "runs"),
            **self.environment,
        }

    def start(
        self,
        *,
        app: str = "workers",
        wait: bool = True,
        prefix: Sequence[str] = (),
        cwd: Path | str | None = None,
        **more: str,
    ) -> Worker:
        """A worker with further settings; its name is the contact that it tells the site."""
        self.started += 1
        name = f"w{self.started}"
        log = self.folder / f"{name}.log"
        environment = {
            **os.environ,
            "PYTHONPATH": lean_path(),
            **self.environment,
            "FLEET_FETCH_CONTACT": name,
        }
        command = [*prefix, sys.executable, "-m", "celery", "-A", app, "worker", "-n", f"{name}@%h"]
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command,
                env={**environment, **more},
                cwd=cwd,
                stdout=sink,
                stderr=sink,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        worker = Worker(name, log, process)
        self.workers.append(worker)
        if wait:
            until(worker.ready, START_SECONDS, f"{name} ready")
        return worker

    def producer(self, *arguments: object, **more: str) -> "subprocess.CompletedProcess[str]":
        return run_here(main, *arguments, environment={**self.environment, **more})

    def enqueue(
        self,
        name: str,
        batches: int,
        *,
        rows: int = 3,
        output: str | None = None,
        colours: Mapping[int, str] | None = None,
        folder: Path | None = None,
    ) -> Run:
        """A run of `batches` batches; the last row of each leads where no worker may go."""
        run = self.plan(name, batches, rows=rows, output=output, colours=colours, folder=folder)
        done = self.producer("enqueue", run.part, "--output", run.output, "--batch-rows", rows)
        assert done.returncode == 0, done.stderr
        return run

    def plan(
        self,
        name: str,
        batches: int,
        *,
        rows: int = 3,
        output: str | None = None,
        colours: Mapping[int, str] | None = None,
        folder: Path | None = None,
    ) -> Run:
        """Write the input of a run, and queue nothing."""
        path = (folder or self.folder / "in") / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = part_id(str(path))
        ids = [batch_id(part, number * rows) for number in range(batches)]
        pq.write_table(pa.Table.from_pylist(list(self._rows(ids, rows, colours or {}))), path)
        return Run(output or f"{self.environment['FLEET_OUTPUT']}/{name}", ids, path)

    def _rows(self, ids: Sequence[str], rows: int, colours: Mapping[int, str]) -> Iterator[dict[str, str]]:
        for number, batch in enumerate(ids):
            colour = colours.get(number, "white")
            for row in range(rows - 1):
                yield {
                    "URL": self.site.link(batch, row, colour),
                    "TEXT": f"{batch} {row}",
                    "expected": colour,
                }
            yield {"URL": self.forbidden_url, "TEXT": batch, "expected": "blocked"}

    def requeue(self, run: Run, *arguments: str) -> int:
        """`producer requeue --missing`; how many batches it queued."""
        done = self.producer("requeue", "--missing", *arguments, "--output", run.output)
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split(": ")[-1].split()[0])

    def verify(self, run: Run) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.producer("verify", "--json", "--output", run.output).stdout)
        return answer

    def unlock_producers(self) -> None:
        """What a dead producer held would be free after two minutes by itself."""
        client = self.broker.client()
        for lock in client.scan_iter("fleet:*:producer"):
            client.delete(lock)

    def wait(self, run: Run, seconds: float, *, mend: bool = False, restart: bool = False) -> None:
        """Until every batch has its shard or its failure record.

        Args:
            run: in a folder.
            seconds: it may take.
            mend: what is lost is queued again, as by a cron job.
            restart: the last worker is started again when it ends, as a cluster would.
        """
        began = mended = time.monotonic()
        while run.done() + run.dead() < len(run.batches):
            if time.monotonic() - began > seconds * slowness():
                raise TimeoutError(
                    f"{run.done()} done and {run.dead()} dead of {len(run.batches)} in {seconds} s"
                )
            if restart and not any(worker.alive for worker in self.workers):
                self.start(wait=False)
            if mend and time.monotonic() - mended > 2:
                self.requeue(run)
                mended = time.monotonic()
            time.sleep(0.05)


@contextmanager
def fleet(
    folder: Path, broker: Broker, site: Site, forbidden_url: str, **environment: str
) -> Iterator[Fleet]:
    """A fleet without workers yet; whatever is started in it ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Fleet(folder, broker, site, forbidden_url, environment)
    try:
        yield made
    finally:
        for worker in made.workers:
            worker.signal_all(signal.SIGCONT)
            worker.kill()
