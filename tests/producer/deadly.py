"""What processes do in the place of reading shards."""

import os
import signal
from collections.abc import Sequence

from producer.audit import Audit, Shard


def die_of_every_hundredth(shards: Sequence[Shard]) -> Audit:
    """As reading shards of which some end their process."""
    if any(shard.number % 100 == 99 for shard in shards):
        os.kill(os.getpid(), signal.SIGKILL)
    return Audit(rows=len(shards))


def tell_key(_: Sequence[Shard]) -> Audit:
    """The credentials that the process sees."""
    return Audit(problems=[os.environ["AWS_ACCESS_KEY_ID"]])
