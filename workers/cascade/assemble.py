"""Assemble a cascade from model folders: local files only, safetensors only."""

from pathlib import Path

import torch

from common.settings import SamplingSettings
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.blip.load_blip import load_blip
from workers.cascade.cascade import Captioner, Cascade
from workers.cascade.clip.load_clip import is_float16, load_judge
from workers.cascade.device import choose_clip_dtypes, choose_device, choose_dtype
from workers.cascade.model_folder import read_json, require_file
from workers.cascade.repairer import load_repairer
from workers.cascade.transformers_captioner import load_transformers_captioner
from workers.cascade.upcoming import Tower


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
        captioner: transformers folder: BLIP for captioning, or any other image-to-text model.
        ranker: open_clip folder; its cosines order the candidates.
        selector: open_clip folder; its cosines order the shortlist.
        sampling: settings of drawing and choosing.
        device: torch device; `auto` is the first GPU, else the CPU.
        dtype: float32, bfloat16 or float16; `auto` is each model's best on this device.
        repairer: transformers folder of a text-to-text model that rewrites the top captions.

    Raises:
        ModelFolderError: a folder lacks a file or holds another architecture.
    """
    where = choose_device(device)
    precision = choose_dtype(dtype, where)
    first, second = (
        load_judge(folder, where, choose_clip_dtypes(dtype, where, is_native=is_float16(folder)))
        for folder in (ranker, selector)
    )
    second.share_tokens(first)
    writer = load_captioner(captioner, sampling, where, precision)
    return Cascade(
        writer,
        first,
        second,
        sampling,
        _name(precision),
        dtypes={"ranker": _name(first.dtype), "selector": _name(second.dtype)},
        repairer=load_repairer(repairer, where, precision) if repairer else None,
        look_ahead=_look_ahead(writer, where),
    )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _look_ahead(captioner: Captioner, device: torch.device) -> Tower | None:
    """A CPU has nothing to gain: it would only write each pass later."""
    return captioner.look_ahead if isinstance(captioner, BlipCaptioner) and device.type != "cpu" else None


def load_captioner(
    folder: Path, sampling: SamplingSettings, device: torch.device, dtype: torch.dtype
) -> Captioner:
    """BLIP runs in our own generation loop, any other model through its own `generate`."""
    expected = "an image-to-text model as transformers saves it"
    config = read_json(require_file(folder, expected, "config.json"), expected)
    load = load_blip if config.get("model_type") == "blip" else load_transformers_captioner
    return load(folder, sampling, device, dtype)
