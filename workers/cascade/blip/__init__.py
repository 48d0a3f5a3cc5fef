"""BLIP, the captioner."""
