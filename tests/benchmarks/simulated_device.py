"""The real app with a device of a fixed rate: `celery -A tests.benchmarks.simulated_device worker`.

SIMULATED_CARD is the card, a file that one pass locks at a time and that notes each; SIMULATED_RATE is in
images a second.
"""

import fcntl
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from tests.stand_in_models import with_models
from workers.captions import Captions, ModelInputs
from workers.models.fake import FakeCascade


class SimulatedDevice(FakeCascade):
    """Takes its time, and sees that nobody else has the card meanwhile."""

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        with Path(os.environ["SIMULATED_CARD"]).open("a") as card:
            fcntl.flock(card, fcntl.LOCK_EX)
            began = time.monotonic()
            time.sleep(len(keys) / float(os.environ["SIMULATED_RATE"]))
            note = {"began": began, "ended": time.monotonic(), "images": len(keys), "process": os.getpid()}
            card.write(json.dumps(note) + "\n")
        return super().caption(inputs, keys)


app = with_models(lambda settings: SimulatedDevice(settings.sampling), __name__)
