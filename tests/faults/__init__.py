"""The fleet under faults: real broker, real workers, real output, and everything that breaks them."""
