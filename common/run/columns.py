"""The input's columns, in the spellings that people use."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

SPELLINGS: Mapping[str, Sequence[str]] = {
    "URL": ("url", "image_url"),
    "TEXT": ("text", "caption", "alt_text", "alt"),
    "WIDTH": ("width", "original_width"),
    "HEIGHT": ("height", "original_height"),
    "similarity": ("similarity", "clip_similarity_vitb32", "clip_similarity"),
    "hash": ("hash",),
    "pwatermark": ("pwatermark",),
    "punsafe": ("punsafe",),
}


def input_columns(schema: pa.Schema) -> dict[str, str]:
    """Our name of each column that the input has -> the input's own spelling of it.

    The published spelling wins over others, and among those the earlier in `SPELLINGS`.
    """
    found = {name: _spelling(name, schema.names) for name in SPELLINGS}
    return {name: spelling for name, spelling in found.items() if spelling is not None}


def _spelling(name: str, names: Sequence[str]) -> str | None:
    if name in names:
        return name
    lowered = {candidate.lower(): candidate for candidate in reversed(names)}
    return next((lowered[known] for known in SPELLINGS[name] if known in lowered), None)
