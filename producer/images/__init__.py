"""Parts that hold images: tars, parquet with a column of them, folders."""
