"""A page of random rows of a run, drawn by a seed and never picked by hand."""
