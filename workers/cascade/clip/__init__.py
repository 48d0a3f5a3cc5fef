"""CLIP, ranker and selector."""
