"""A hostile web on loopback: raw servers, certificates and names of our own."""
