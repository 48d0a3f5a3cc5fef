"""Models for comparisons: random weights, scaled so that different pictures get different texts."""

from pathlib import Path

import torch
from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor

WORDS = [f"word{index}" for index in range(90)]
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "picture", "of", *WORDS, "[DEC]"]
SIDE = 32


def save_random_blip(folder: Path, seed: int = 2) -> Path:
    """A small BLIP with random weights."""
    torch.manual_seed(seed)
    text = {
        "vocab_size": len(TOKENS),
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "bos_token_id": TOKENS.index("[DEC]"),
        "eos_token_id": TOKENS.index("[SEP]"),
        "sep_token_id": TOKENS.index("[SEP]"),
    }
    vision = {
        "image_size": SIDE,
        "patch_size": 8,
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision))
    sharpen(model)
    model.save_pretrained(folder)
    vocabulary = {token: index for index, token in enumerate(TOKENS)}
    BertTokenizer(vocab=vocabulary).save_pretrained(folder)
    BlipImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return folder


def sharpen(model: BlipForConditionalGeneration, cross: float = 3.0, other: float = 1.4) -> None:
    """Weights by the number of inputs, larger where the text looks at the picture.

    Much larger ones make chaos of it: then rounding alone changes the text, in any implementation.
    """
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            gain = cross if "crossattention" in name else other
            torch.nn.init.normal_(parameter, std=gain / parameter[0].numel() ** 0.5)
    words = model.text_decoder.bert.embeddings.word_embeddings.weight  # also the output's
    words.data = torch.nn.functional.normalize(words.data)  # or the longest would win every time
