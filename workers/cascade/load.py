"""Model folders to a cascade: local files only, safetensors only."""

from pathlib import Path

import torch

from common.settings import SamplingSettings
from workers.cascade.cascade import Cascade
from workers.cascade.load_blip import load_blip
from workers.cascade.load_clip import load_clip


def load_cascade(
    captioner: Path, ranker: Path, selector: Path, sampling: SamplingSettings, device: str
) -> Cascade:
    """The cascade of three model folders, float32 on a CPU and bfloat16 elsewhere.

    Args:
        captioner: a folder of transformers with BLIP for captioning.
        ranker: a folder of open_clip; its cosines order the candidates.
        selector: a folder of open_clip; its cosines order the shortlist.
        sampling: how captions are drawn and chosen.
        device: of torch; `auto` is the first GPU, else the CPU.

    Raises:
        ModelFolderError: a folder lacks a file or holds another architecture.
    """
    where = torch.device(_device(device))
    dtype = torch.float32 if where.type == "cpu" else torch.bfloat16
    return Cascade(
        load_blip(captioner, sampling, where, dtype),
        load_clip(ranker, where, dtype),
        load_clip(selector, where, dtype),
        sampling,
        str(dtype).removeprefix("torch."),
    )


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"
