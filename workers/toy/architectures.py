"""The toy models' shapes: the architectures of BLIP, ViT-L/14 and RN50x64, a thousandth of their size."""

from typing import Any, Final

from transformers import BertTokenizer, BlipConfig

from workers.toy.world import vocabulary

IMAGE_SIDE: Final = 60
CONTEXT_LENGTH: Final = 12  # tokens of the longest sentence, begin and end included, and room
_WIDTH: Final = 128
_CLIP_DIMENSION: Final = 128

# open_clip pools a text at its highest token id: the end token comes last.
TOKENS: Final = ("[PAD]", "[UNK]", "[CLS]", "[MASK]", "[DEC]", *vocabulary(), "[SEP]")


def tokenizer() -> BertTokenizer:
    """Whole words of the toy world; any other word is unknown."""
    return BertTokenizer(
        vocab={token: index for index, token in enumerate(TOKENS)},
        bos_token=TOKENS[4],
        model_max_length=64,
    )


def captioner() -> BlipConfig:
    """1.2 million parameters."""
    text = {
        "vocab_size": len(TOKENS),
        "hidden_size": _WIDTH,
        "intermediate_size": 4 * _WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "bos_token_id": TOKENS.index("[DEC]"),
        "eos_token_id": TOKENS.index("[SEP]"),
        "sep_token_id": TOKENS.index("[SEP]"),
        "pad_token_id": TOKENS.index("[PAD]"),
    }
    vision = {
        "image_size": IMAGE_SIDE,
        "patch_size": 12,
        "hidden_size": _WIDTH,
        "intermediate_size": 4 * _WIDTH,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "initializer_range": 0.02,
    }
    return BlipConfig(text_config=text, vision_config=vision, projection_dim=_WIDTH)


def ranker() -> dict[str, Any]:
    """A vision transformer and a text transformer, as open_clip configures them."""
    vision = {
        "image_size": IMAGE_SIDE,
        "patch_size": 12,
        "width": _WIDTH,
        "layers": 3,
        "head_width": 32,
        "no_ln_pre": True,  # like the captioner's
    }
    return {"embed_dim": _CLIP_DIMENSION, "quick_gelu": True, "vision_cfg": vision, "text_cfg": _text()}


def selector() -> dict[str, Any]:
    """The modified ResNet of CLIP, with its attention pool, and a text transformer."""
    vision = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 12, "head_width": 32}
    return {"embed_dim": _CLIP_DIMENSION, "quick_gelu": True, "vision_cfg": vision, "text_cfg": _text()}


def _text() -> dict[str, Any]:
    return {
        "context_length": CONTEXT_LENGTH,
        "vocab_size": len(TOKENS),
        "width": 96,
        "heads": 3,
        "layers": 2,
        "hf_tokenizer_name": "toy",  # any name: the tokenizer's files lie beside the configuration
    }
