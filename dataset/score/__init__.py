"""Caption metrics of the literature, on a sample of stated size."""
