"""The files of a data set, and the record that names them."""
