"""The format of an image by its first bytes; what a server calls it is not asked."""

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}


def sniff(body: bytes) -> str | None:
    """JPEG, PNG, GIF or WEBP; None for anything else."""
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "WEBP"
    return next((name for magic, name in _MAGIC.items() if body.startswith(magic)), None)
