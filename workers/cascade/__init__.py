"""Images in, captions with scores out."""
