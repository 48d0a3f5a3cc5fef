"""A scenario on any cluster, `make cluster-test`, and the trial run that it shares with `make containers`."""
