"""A data set on the Hugging Face Hub."""
