"""Counts, histograms and quantiles."""
