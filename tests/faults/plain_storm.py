"""SIGKILLs against plain Celery: how many messages it loses, and how many it runs twice."""

import base64
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import redis

from tests.faults.broker import Broker
from tests.faults.storm import tell
from tests.faults.waiting import until

WORKERS = 2
WAITING = 20_000
LIFE = (0.2, 0.8)
"""Seconds between a worker's first mark and its end."""


class PlainStorm:
    """Workers under a load of messages that do nothing, killed one after the other."""

    def __init__(self, folder: Path, broker: Broker, chance: random.Random) -> None:
        self._folder, self._broker, self._chance = folder, broker, chance
        self._marks = folder / "marks"
        self._marks.touch()
        self._sent = 0
        self._template = ""
        self._number = 0
        self._live: list[tuple[subprocess.Popen[bytes], Path]] = []

    def rage(self, kills: int, deadline: float) -> dict[str, int]:
        """So many kills; then what was sent, lost for ever, and run more than once."""
        self._template = _one_message(self._environment(), self._broker.client())  # before anybody takes it
        self._live = [self._start() for _ in range(WORKERS)]
        try:
            done = self._kill_often(kills, deadline)
            self._drain()
        finally:
            for process, _ in self._live:
                _end(process)
        return {"kills": done, **self._count()}

    def _kill_often(self, kills: int, deadline: float) -> int:
        done = 0
        while done < kills and time.monotonic() < deadline:
            self._fill()
            number = self._chance.randrange(WORKERS)
            process, log = self._live[number]
            until(lambda log=log: b"ready." in log.read_bytes(), 60, log.name)  # type: ignore[misc]
            time.sleep(self._chance.uniform(*LIFE))
            _end(process)
            self._live[number] = self._start()
            done += 1
            if done % 20 == 0:
                tell(f"plain Celery: {done}/{kills} kills, {self._sent} messages sent")
        return done

    def _count(self) -> dict[str, int]:
        seen = Counter(int(line) for line in self._marks.read_bytes().splitlines())
        return {
            "messages": self._sent,
            "lost": self._sent - len(seen),
            "run_more_than_once": sum(count > 1 for count in seen.values()),
        }

    def _drain(self) -> None:
        """Until nothing waits and nothing is held, for longer than anything could still be restored."""
        client, quiet = self._broker.client(), time.monotonic()
        deadline = time.monotonic() + 300
        while time.monotonic() - quiet < 10 and time.monotonic() < deadline:
            if client.llen("plain") or client.hlen("unacked"):
                quiet = time.monotonic()
            time.sleep(0.2)

    def _start(self) -> tuple["subprocess.Popen[bytes]", Path]:
        self._number += 1
        path = self._folder / f"plain-{self._number}.log"
        command = [
            sys.executable, "-m", "celery", "-A", "tests.faults.plain", "worker", "-c", "1", "-l", "INFO",
            "-n", f"plain-{self._number}@%h", "--without-gossip", "--without-mingle", "--without-heartbeat",
        ]  # fmt: skip
        with path.open("wb") as log:
            process = subprocess.Popen(
                command, env=self._environment(), stdout=log, stderr=log, start_new_session=True
            )
        return process, path

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PLAIN_BROKER_URL": self._broker.url, "PLAIN_MARKS": str(self._marks)}

    def _fill(self) -> None:
        """Copies of one message that Celery itself made, each with a number and an identity of its own."""
        client = self._broker.client()
        while client.llen("plain") < WAITING:
            pipeline = client.pipeline(transaction=False)
            for _ in range(1000):
                pipeline.lpush("plain", self._message())
                self._sent += 1
            pipeline.execute()

    def _message(self) -> str:
        message = json.loads(self._template)
        tag = f"tag-{self._sent}"
        message["body"] = base64.b64encode(json.dumps([[self._sent], {}, {}]).encode()).decode()
        message["headers"]["id"] = message["headers"]["root_id"] = tag
        message["properties"]["delivery_tag"] = message["properties"]["correlation_id"] = tag
        return json.dumps(message)


def _one_message(environment: dict[str, str], client: redis.Redis) -> str:
    """What `apply_async` writes, taken out of the queue again."""
    code = "from tests.faults.plain import note; note.apply_async((0,))"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
    return str(client.rpop("plain"))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The whole worker at once."""
    if process.poll() is None:  # else its number may be a stranger's by now
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
