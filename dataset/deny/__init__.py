"""Deny lists over whole columns."""
