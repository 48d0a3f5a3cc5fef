"""Model folders to a cascade: local files only, safetensors only."""

from pathlib import Path

import torch

from common.settings import SamplingSettings
from workers.cascade.blip.load_blip import load_blip
from workers.cascade.cascade import Captioner, Cascade
from workers.cascade.clip.load_clip import load_clip
from workers.cascade.folder import read_json, require_file
from workers.cascade.generated import load_generated
from workers.cascade.precision import choose_device, choose_dtype
from workers.cascade.repairer import load_repairer


def load_cascade(
    captioner: Path,
    ranker: Path,
    selector: Path,
    sampling: SamplingSettings,
    device: str,
    *,
    dtype: str = "auto",
    repairer: Path | None = None,
) -> Cascade:
    """The cascade of three model folders, or four.

    Args:
        captioner: a folder of transformers: BLIP for captioning, or any other image-to-text model.
        ranker: a folder of open_clip; its cosines order the candidates.
        selector: a folder of open_clip; its cosines order the shortlist.
        sampling: how captions are drawn and chosen.
        device: of torch; `auto` is the first GPU, else the CPU.
        dtype: float32, bfloat16 or float16; `auto` is bfloat16 where it pays.
        repairer: a folder of transformers with a text-to-text model that rewrites the top captions.

    Raises:
        ModelFolderError: a folder lacks a file or holds another architecture.
    """
    where = choose_device(device)
    precision = choose_dtype(dtype, where)
    return Cascade(
        load_captioner(captioner, sampling, where, precision),
        load_clip(ranker, where, precision),
        load_clip(selector, where, precision),
        sampling,
        str(precision).removeprefix("torch."),
        repairer=load_repairer(repairer, where, precision) if repairer else None,
    )


def load_captioner(
    folder: Path, sampling: SamplingSettings, device: torch.device, dtype: torch.dtype
) -> Captioner:
    """BLIP is decoded by our own loop, any other model by its own `generate`."""
    expected = "an image-to-text model as transformers saves it"
    config = read_json(require_file(folder, expected, "config.json"), expected)
    load = load_blip if config.get("model_type") == "blip" else load_generated
    return load(folder, sampling, device, dtype)
