"""Metrics of a pass of the cascade."""

import sys
from collections.abc import Sequence

from common.metrics import BATCH_FILL, DISTINCT_CANDIDATES, GPU_MEMORY, IMAGES, SIMILARITY
from workers.captions import Captions


def record_pass(captions: Sequence[Captions], full: int) -> None:
    """Count the images of one pass.

    Args:
        captions: of each image.
        full: images of a full pass.
    """
    IMAGES.inc(len(captions))
    BATCH_FILL.observe(len(captions) / full)
    for found in filter(lambda each: each.fault is None, captions):
        DISTINCT_CANDIDATES.observe(len(found.candidates))
        SIMILARITY.labels("ranker").observe(found.similarities[found.candidates.index(found.top)])
        SIMILARITY.labels("selector").observe(found.shortlist_similarities[0])
    GPU_MEMORY.set(_gpu_memory())


def _gpu_memory() -> int:
    """Bytes reserved by this process; torch is there if the models are."""
    torch = sys.modules.get("torch")
    return torch.cuda.memory_reserved() if torch is not None and torch.cuda.is_initialized() else 0
