"""Measurements that print figures; none of them runs in CI."""
