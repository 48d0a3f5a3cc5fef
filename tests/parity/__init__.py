"""Our decoding against that of transformers."""
