"""How tokens are drawn: rules, lanes, nodes and counter-based random numbers."""
