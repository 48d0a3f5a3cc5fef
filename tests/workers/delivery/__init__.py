"""Tests of a message's way, against a real broker."""
