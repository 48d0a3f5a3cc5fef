"""Tests of bytes to pixels."""
