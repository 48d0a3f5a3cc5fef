"""Training of the three toy models: `python -m workers.toy.train --output DIR` writes what `weights/` holds.

Needed again only when the toy world or the models' shapes change: about a quarter of an hour on one
core. The same seed on the same machine gives the same weights.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.random import Generator
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP
from rich.console import Console
from torch import Tensor, nn
from transformers import BertTokenizer, BlipForConditionalGeneration

from workers.toy import architectures, save
from workers.toy.drawing import TRAINING, draw_scenes
from workers.toy.transplant import transplant
from workers.toy.world import PROMPT, Scene, near_miss

BATCH = 64
SHARPNESS = float(np.log(50))  # initial logit scale of CLIP; too few steps to learn it
NEAR_MISSES = 3  # wrong sentences per right one
LEARNING_RATE, WARM_UP = 1.5e-3, 100
IGNORED = -100  # label without loss

Batch = tuple[Tensor, list[Scene]]  # pixels [BATCH, 3, side, side], scenes
Loss = Callable[[Batch], Tensor]


def batches(seed: int, side: int) -> Iterator[Batch]:
    """Endless fresh images, normalised as by the models' processors."""
    mean, std = (np.array(values, np.float32) for values in (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD))
    stream = draw_scenes(TRAINING, seed, (side, side))
    while True:
        scenes, images = zip(*islice(stream, BATCH), strict=True)
        pixels = (np.stack([np.asarray(image) for image in images]) / np.float32(255) - mean) / std
        yield torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), list(scenes)


def fit(model: nn.Module, loss: Loss, data: Iterator[Batch], steps: int, console: Console) -> None:
    """AdamW over one cycle: linear warm-up, cosine decay to zero."""
    optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    model.train()
    for step, batch in enumerate(islice(data, steps), 1):
        value = loss(batch)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            console.log(f"{type(model).__name__} step {step} of {steps}: loss {value.item():.3f}")
    model.eval()


def _rate(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + float(np.cos(np.pi * step / steps)))


def captioning_loss(model: BlipForConditionalGeneration, tokens: BertTokenizer) -> Loss:
    """Cross-entropy of the sentence and the end token, given the image and the prompt."""
    prompt_length = len(tokens(PROMPT).input_ids) - 1

    def loss(batch: Batch) -> Tensor:
        pixels, scenes = batch
        encoded = tokens([f"{PROMPT}{scene}" for scene in scenes], padding=True, return_tensors="pt")
        ids = encoded.input_ids  # [BATCH, length]
        ids[:, 0] = tokens.bos_token_id
        labels = ids.masked_fill(encoded.attention_mask == 0, IGNORED)
        labels[:, :prompt_length] = IGNORED
        result: Tensor = model(pixel_values=pixels, input_ids=ids, labels=labels).loss
        return result

    return loss


def contrastive_loss(model: CLIP, tokens: BertTokenizer, rng: Generator) -> Loss:
    """CLIP's symmetric loss, with near misses of each sentence among the texts.

    Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision".
    """

    def loss(batch: Batch) -> Tensor:
        pixels, scenes = batch
        wrong = [near_miss(scene, rng) for scene in scenes for _ in range(NEAR_MISSES)]
        sentences = [str(scene) for scene in (*scenes, *wrong)]
        images, texts, scale = model(pixels, save.clip_tokens(tokens, sentences))
        logits = scale * images @ texts.T  # [BATCH, BATCH * (1 + NEAR_MISSES)]
        logits = logits.masked_fill(_duplicates(sentences, len(scenes)), -torch.inf)
        own = torch.arange(len(scenes))
        across, down = (nn.functional.cross_entropy(x, own) for x in (logits, logits[:, : len(scenes)].T))
        return (across + down) / 2

    return loss


def _duplicates(sentences: list[str], count: int) -> Tensor:
    """[count, sentences]: true where a sentence of another image, or a wrong one, is true as well."""
    words = np.array(sentences)
    equal = torch.from_numpy(words[:count, None] == words[None, :])
    return equal & ~torch.eye(count, len(sentences), dtype=torch.bool)


def train_captioner(output: Path, seed: int, steps: int, console: Console) -> None:
    torch.manual_seed(seed)
    config, tokens = architectures.captioner(), architectures.tokenizer()
    model = BlipForConditionalGeneration(config)
    loss = captioning_loss(model, tokens)
    fit(model, loss, batches(seed, architectures.IMAGE_SIDE), steps, console)
    save.save_captioner(model, output / "captioner")


def train_ranker(output: Path, seed: int, steps: int, console: Console) -> None:
    """Initialised with the vision tower of the captioner in `output`."""
    config = architectures.ranker()
    model = _new_clip(config, seed)
    transplant(BlipForConditionalGeneration.from_pretrained(output / "captioner", dtype=torch.float32), model)
    _fit_clip(model, config["vision_cfg"]["image_size"], seed, steps, console)
    save.save_clip(model, config, output / "ranker")


def train_selector(output: Path, seed: int, steps: int, console: Console) -> None:
    config = architectures.selector()
    model = _new_clip(config, seed)
    _fit_clip(model, config["vision_cfg"]["image_size"], seed, steps, console)
    save.save_clip(model, config, output / "selector")


def _new_clip(config: dict[str, Any], seed: int) -> CLIP:
    torch.manual_seed(seed)
    return CLIP(**config, init_logit_scale=SHARPNESS)


def _fit_clip(model: CLIP, side: int, seed: int, steps: int, console: Console) -> None:
    loss = contrastive_loss(model, architectures.tokenizer(), np.random.default_rng((TRAINING, seed, seed)))
    fit(model, loss, batches(seed, side), steps, console)


TRAINERS = {  # in this order
    "captioner": (train_captioner, 2400),
    "ranker": (train_ranker, 700),
    "selector": (train_selector, 800),
}


def main(
    output: Annotated[Path, typer.Option(help="folder for captioner/, ranker/ and selector/")],
    only: Annotated[str | None, typer.Option(help="train this one; the ranker needs the captioner")] = None,
    steps: Annotated[int | None, typer.Option(help="batches of 64 images, instead of each one's own")] = None,
    seed: Annotated[int, typer.Option(help="of the weights and the images")] = 0,
) -> None:
    """Train the toy models on fresh synthetic images and write them as 16-bit safetensors."""
    console = Console(stderr=True)
    torch.set_num_threads(1)  # two threads beside another process are far slower than one
    for name, (train, own_steps) in TRAINERS.items():
        if only in (None, name):
            train(output, seed, steps or own_steps, console)


if __name__ == "__main__":
    typer.run(main)
