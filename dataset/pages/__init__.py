"""Templates, and style sheets that several pages share."""
