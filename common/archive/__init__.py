"""Images that are already here: the layout of archives, without what is in an image."""
