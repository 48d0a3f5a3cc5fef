"""From a message to its acknowledgement: claims, leases, attempts, and putting back."""
