"""What must not be used: one grammar of deny lists for every room."""
