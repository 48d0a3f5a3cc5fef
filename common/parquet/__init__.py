"""Parquet below its rows: thrift's structs, page headers, and a file that is read within bounds."""
