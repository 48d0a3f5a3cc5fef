"""What papers report of captions, on a sample of stated size."""
