"""Images that are already here: the layout of archives; image bytes are opaque."""
