"""The real servers that the tests talk to, on loopback, one process each."""
