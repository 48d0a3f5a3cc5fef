"""Taking rows back: a version of a data set that lacks exactly the rows that a deny list names."""
