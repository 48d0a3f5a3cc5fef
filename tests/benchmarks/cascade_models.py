"""The three models at full size with random weights: what a size costs does not depend on what was learnt."""

from collections.abc import Sequence
from zlib import crc32

import open_clip
import torch
from open_clip import CLIP
from torch import Tensor
from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration

TEXT_TOKENS = 16  # of a caption, begin and end included
_BEGIN, _END, _FIRST_WORD = 49406, 49407, 1000
_VISION_WIDTH = 1024


def blip_large(seed: int = 0, *, vision_layers: int = 24) -> BlipForConditionalGeneration:
    """The shape of Salesforce/blip-image-captioning-large: 577 patches of 384 pixels."""
    torch.manual_seed(seed)
    text = {"encoder_hidden_size": _VISION_WIDTH, "num_attention_heads": 12}  # the rest are the defaults
    vision = {
        "hidden_size": _VISION_WIDTH,
        "intermediate_size": 4096,
        "num_hidden_layers": vision_layers,
        "num_attention_heads": 16,
        "initializer_range": 0.02,
    }
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision))
    model.train(False)
    return model


def clip(name: str, precision: str = "fp32", device: str | None = None) -> CLIP:
    """`ViT-L-14` or `RN50x64` of open_clip, without weights; on torch's default device if none is named."""
    torch.manual_seed(0)
    device = device or str(torch.get_default_device())
    with torch.device(device):
        model: CLIP = open_clip.create_model(
            name, pretrained=None, precision=precision, device=device, force_quick_gelu=True
        )
    return model.eval()


def word_tokenizer() -> BertTokenizer:
    """A word for each of BLIP's 30,524 tokens."""
    special = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]", 30522: "[DEC]"}
    names = {**special, 1037: "a", 3861: "picture", 1997: "of"}
    return BertTokenizer(vocab={names.get(token, f"w{token}"): token for token in range(30524)})


def fixed_length_tokens(captions: Sequence[str]) -> Tensor:
    """Stands in for CLIP's tokenizer: every caption has TEXT_TOKENS tokens, [captions, 77]."""
    tokens = torch.zeros(len(captions), 77, dtype=torch.int64)
    generator = torch.Generator()
    for row, caption in zip(tokens, captions, strict=True):
        generator.manual_seed(crc32(caption.encode()))
        row[0], row[TEXT_TOKENS - 1] = _BEGIN, _END
        row[1 : TEXT_TOKENS - 1] = torch.randint(_FIRST_WORD, _BEGIN, (TEXT_TOKENS - 2,), generator=generator)
    return tokens
