"""Every metric of a worker; docs/metrics.md is written from it, and names the queue's too."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

from common.explained import Explained


class Stage(Explained):
    """A stage of a batch; its meaning is the extent of one measurement."""

    READ = "read", "the rows of a batch"
    FETCH = "fetch", "one URL, redirects and retries included"
    DECODE = "decode", "one image, resizing included"
    CAPTION = "caption", "one pass of the cascade"
    SAMPLE = "sample", "the captioner in a pass"
    RANK = "rank", "the ranker in a pass"
    SELECT = "select", "the selector in a pass"
    WRITE = "write", "one shard"


LABELS = {
    "status": "of the row ([shards.md](shards.md))",
    "stage": "see below",
    "model": "`ranker` or `selector`",
    "end": "`committed`; `late`, another worker's shard was first; `put_back`; `failed`; `dead`",
    "error": "`label` of the error's class, or the class of an error of a library",
    "sign": "name of the sign ([manners.md](manners.md)), or `other`",
    "reason": "`crashed`, `vanished`, `error` or `part`",
}
"""The values of each label."""


SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
TENTHS = tuple(tenth / 10 for tenth in range(1, 11))
CANDIDATES = (1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 30, 40)
COSINES = tuple(hundredth / 100 for hundredth in range(0, 52, 4))

ROWS = Counter("fleet_rows", "Rows of the shards that this worker was first to write.", ["status"])
OPT_OUTS = Counter("fleet_opt_outs", "Rows of these shards that a sign refused.", ["sign"])
IMAGES = Counter("fleet_images", "Images captioned; its rate is images per second.")
STAGE_SECONDS = Histogram("fleet_stage_seconds", "Seconds by stage.", ["stage"], buckets=SECONDS)
DISTINCT_CANDIDATES = Histogram(
    "fleet_distinct_candidates", "Distinct captions of an image.", buckets=CANDIDATES
)
SIMILARITY = Histogram("fleet_similarity", "Cosine of image and top caption.", ["model"], buckets=COSINES)
BATCH_FILL = Histogram(
    "fleet_batch_fill_ratio", "Images of a pass, as a share of a full pass.", buckets=TENTHS
)
GPU_MEMORY = Gauge(
    "fleet_gpu_memory_bytes", "GPU memory that the models' process has reserved.", multiprocess_mode="livesum"
)
ATTEMPTS = Counter("fleet_attempts", "Attempts at a batch that ended, by how.", ["end"])
RUNNING = Gauge("fleet_running_batches", "Batches in this worker's hands.", multiprocess_mode="livesum")
PUT_BACK = Counter(
    "fleet_batches_put_back", "Batches put back because they could not be done now.", ["error"]
)
DEAD = Counter("fleet_batches_dead", "Batches given up, with a failure record.", ["reason"])
SET_ASIDE = Counter("fleet_messages_set_aside", "Messages that belong to no batch of a run served here.")


@contextmanager
def measure(stage: Stage) -> Iterator[None]:
    """Measure the block, also if it raises."""
    with STAGE_SECONDS.labels(stage.value).time():
        yield
