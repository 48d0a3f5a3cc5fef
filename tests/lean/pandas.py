"""As where the fleet runs."""

raise ImportError("pandas is not installed")
