"""What a person runs: plan parts, enqueue them, see how far they are."""
