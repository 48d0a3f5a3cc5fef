"""The manifests, as kubectl renders them. What a cluster makes of them is not shown here."""
