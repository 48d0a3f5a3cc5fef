"""The demo: a small web of toy pictures on loopback, captioned end to end by `producer local`."""
