"""What holds for the GPU of a process, whoever uses it: its errors, its thread, its share of the machine."""
