"""Tests of the hostile web."""
