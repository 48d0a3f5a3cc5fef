"""Everybody at once: hostile messages, parts, buckets, servers and images, beside a healthy run."""
