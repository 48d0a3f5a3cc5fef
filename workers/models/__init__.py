"""Model names to local folders, their lock, and the models loaded from them."""
