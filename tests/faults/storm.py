"""Random faults, one after the other, against a fleet that somebody keeps at its size."""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import redis

from tests.faults.fleet import Fleet, Run, Worker
from tests.faults.ledger import Kill

HOLDS = (0.02, 0.1, 0.3, 0.6, 1.0)
"""Seconds that a batch takes, changed at every fault."""
BEGUN = (1, 4)
"""Batches that a worker must have begun before it is struck: it starts in seconds, and must work, too."""
WORKER_FAULTS = {"worker": 5, "child": 4, "sigterm": 1}
BROKER_FAULTS = {"blip": 3, "restart": 1}
DOWN = (0.2, 6.0)
"""Seconds: shorter and longer than a batch."""
BETWEEN = (0.05, 0.8)
"""Seconds between two faults, if there is somebody to strike."""
ENOUGH_WAITING = 80
PART_BATCHES = 400
TOLD_EVERY = 10.0


@dataclass
class Storm:
    """One storm over one run.

    Args:
        crew: the fleet.
        size: workers that are kept alive.
        chance: where randomness comes from.
        deadline: the monotonic time at which it ends, done or not.
    """

    crew: Fleet
    size: int
    chance: random.Random
    deadline: float
    kills: list[Kill] = field(default_factory=list)
    broker_faults: Counter[str] = field(default_factory=Counter)
    back: list[float] = field(default_factory=list)
    exits: int = 0
    run: Run | None = None
    _live: list[Worker] = field(default_factory=list)
    _parts: int = 0
    _told: float = 0.0

    def rage(self, kills: int, broker_faults: int) -> Run:
        """Kill so often, or until the deadline; what was queued is left to the workers that live then."""
        run = self._extend()
        while self._going_on(kills, broker_faults):
            self.keep_alive()
            with suppress(redis.RedisError):
                if self.crew.broker.client().llen("caption.v1") < ENOUGH_WAITING:
                    self._extend()
            self.crew.site.hold = self.chance.choice(HOLDS)
            time.sleep(self.chance.uniform(*BETWEEN))
            if self._broker_is_next(kills, broker_faults):
                self._break_broker()
            else:
                self._strike(kills)
            self._tell(kills, broker_faults)
        return run

    def keep_alive(self) -> None:
        """What Kubernetes does; a worker that ended by itself is counted."""
        struck = {kill.worker for kill in self.kills if kill.kind != "child"}
        for worker in [one for one in self._live if not one.alive]:
            self.exits += worker.name not in struck
            self._live.remove(worker)
        while len(self._live) < self.size:
            self._live.append(self.crew.start(wait=False))

    def _going_on(self, kills: int, broker_faults: int) -> bool:
        enough = len(self.kills) >= kills and self.broker_faults.total() >= broker_faults
        return not enough and time.monotonic() < self.deadline

    def _broker_is_next(self, kills: int, broker_faults: int) -> bool:
        """Spread evenly over the kills."""
        return self.broker_faults.total() * max(kills, 1) < len(self.kills) * broker_faults or (
            len(self.kills) >= kills
        )

    def _strike(self, kills: int) -> None:
        """One worker that has begun some batches, in one of three ways."""
        begun = Counter(attempt.worker for attempt in self.crew.site.attempts)
        stopping = {kill.worker for kill in self.kills if kill.kind == "sigterm"}
        least = self.chance.randint(*BEGUN)
        victims = [
            one for one in self._live if one.alive and one.name not in stopping and begun[one.name] >= least
        ]
        if not victims or len(self.kills) >= kills:
            return
        victim, kind = self.chance.choice(victims), _choose(self.chance, WORKER_FAULTS)
        at = time.time()
        if self._way(victim, kind)():
            self.kills.append(Kill(kind, victim.name, at))

    def _way(self, victim: Worker, kind: str) -> Callable[[], bool]:
        def whole() -> bool:
            victim.kill()
            return True

        def politely() -> bool:
            victim.terminate()
            return True

        return {"worker": whole, "child": victim.kill_child, "sigterm": politely}[kind]

    def _break_broker(self) -> None:
        kind = _choose(self.chance, BROKER_FAULTS)
        if kind == "blip":
            self.crew.broker.blip()
        else:
            self.crew.broker.kill()
            time.sleep(self.chance.uniform(*DOWN))
            self.crew.broker.start()
            self.back.append(time.time())
        self.broker_faults[kind] += 1

    def _extend(self) -> Run:
        """Another part into the run."""
        self._parts += 1
        part = self.crew.plan(f"part-{self._parts:05}", PART_BATCHES)
        output = f"{self.crew.environment['FLEET_OUTPUT']}/storm"
        done = self.crew.producer("enqueue", part.part, "--output", output, "--batch-rows", 3)
        assert done.returncode == 0, done.stderr
        if self.run is None:
            self.run = Run(output, [], part.part)
        self.run.batches += part.batches
        return self.run

    def _tell(self, kills: int, broker_faults: int) -> None:
        if time.monotonic() - self._told > TOLD_EVERY and self.run is not None:
            self._told = time.monotonic()
            tell(
                f"{len(self.kills)}/{kills} kills, {self.broker_faults.total()}/{broker_faults} broker"
                f" faults, {self.run.done()}/{len(self.run.batches)} batches done"
            )


def tell(line: str) -> None:
    """Progress, for whoever watches."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")


def _choose(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]
