"""As in a worker's environment."""

raise ImportError("pandas is not installed")
