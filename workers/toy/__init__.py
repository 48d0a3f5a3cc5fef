"""A toy world and its tiny models: the real code at a size that a laptop runs, for the demo and the tests."""
