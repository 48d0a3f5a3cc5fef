"""The captioner's vision tower as the ranker's start: contrastive training alone is slow at this size."""

from open_clip.model import CLIP
from torch import Tensor
from transformers import BlipForConditionalGeneration

_NAMES = {  # of a BLIP layer -> of an open_clip block
    "layer_norm1.weight": "ln_1.weight",
    "layer_norm1.bias": "ln_1.bias",
    "layer_norm2.weight": "ln_2.weight",
    "layer_norm2.bias": "ln_2.bias",
    "self_attn.qkv.weight": "attn.in_proj_weight",
    "self_attn.qkv.bias": "attn.in_proj_bias",
    "self_attn.projection.weight": "attn.out_proj.weight",
    "self_attn.projection.bias": "attn.out_proj.bias",
    "mlp.fc1.weight": "mlp.c_fc.weight",
    "mlp.fc1.bias": "mlp.c_fc.bias",
    "mlp.fc2.weight": "mlp.c_proj.weight",
    "mlp.fc2.bias": "mlp.c_proj.bias",
}


def transplant(captioner: BlipForConditionalGeneration, ranker: CLIP) -> None:
    """Initialise the ranker's vision transformer, except its projection, from the captioner's.

    Both have the same shape. open_clip's patch embedding has no bias: it is added to the position embeddings.
    """
    blip = captioner.vision_model.state_dict()
    positions = blip["embeddings.position_embedding"][0].clone()  # [1 + patches, width]
    positions[1:] += blip["embeddings.patch_embedding.bias"]
    state = {
        "conv1.weight": blip["embeddings.patch_embedding.weight"],
        "class_embedding": blip["embeddings.class_embedding"].flatten(),
        "positional_embedding": positions,
        "ln_post.weight": blip["post_layernorm.weight"],
        "ln_post.bias": blip["post_layernorm.bias"],
        **_blocks(blip, captioner.vision_model.config.num_hidden_layers),
    }
    vision = ranker.visual.state_dict()
    ranker.visual.load_state_dict({**state, "proj": vision["proj"]})


def _blocks(blip: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    return {
        f"transformer.resblocks.{layer}.{ours}": blip[f"encoder.layers.{layer}.{theirs}"]
        for layer in range(layers)
        for theirs, ours in _NAMES.items()
    }
