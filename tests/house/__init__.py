"""The house itself: what is shipped, and what the documents promise."""
