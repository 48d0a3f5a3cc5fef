"""Assemble a cascade from model folders: local files only, safetensors only."""

from pathlib import Path

import torch

from common.settings import SamplingSettings
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.blip.load_blip import load_blip
from workers.cascade.cascade import Captioner, Cascade
from workers.cascade.clip.clip import Clip
from workers.cascade.clip.load_clip import is_float16, load_judge
from workers.cascade.device import choose_clip_dtypes, choose_device, choose_dtype
from workers.cascade.float8 import FORMAT, require_float8
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
    float8: bool = False,
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
        float8: 8-bit products in the image towers that are transformers.
        repairer: transformers folder of a text-to-text model that rewrites the top captions.

    Raises:
        ModelFolderError: a folder lacks a file or holds another architecture.
        DeviceError: the device cannot be used, or has no 8-bit products.
    """
    where = choose_device(device)
    if float8:
        require_float8(where)
    precision = choose_dtype(dtype, where)
    first, second = (
        load_judge(folder, where, choose_clip_dtypes(dtype, where, is_native=is_float16(folder)))
        for folder in (ranker, selector)
    )
    second.share_tokens(first)
    writer = load_captioner(captioner, sampling, where, precision)
    cascade = Cascade(
        writer,
        first,
        second,
        sampling,
        _name(precision),
        dtypes={"ranker": _name(first.dtype), "selector": _name(second.dtype)},
        repairer=load_repairer(repairer, where, precision) if repairer else None,
        look_ahead=_look_ahead(writer, where),
    )
    return round_towers(cascade) if float8 else cascade


def round_towers(cascade: Cascade) -> Cascade:
    """Its image towers that are transformers in 8 bits, in place; each such model's dtype says so."""
    dtypes = {"captioner": cascade.dtype, **cascade.dtypes}
    for role, model in cascade.models.items():
        if isinstance(model, BlipCaptioner | Clip) and model.use_float8():
            dtypes[role] += f", image tower {_name(FORMAT)}"
    cascade.dtypes = dtypes
    return cascade


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
