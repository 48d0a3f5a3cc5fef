"""Tests of what a GPU runs."""
