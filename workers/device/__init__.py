"""The GPU of a process: its errors, its thread, its share of the machine."""
