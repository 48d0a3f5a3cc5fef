"""Deny lists: one grammar for every room."""
