"""What a page is found to be before a reader unpacks it: errors of the file, as the reader's own are."""


class LargePageError(OSError):
    """A page takes too much memory; the caller adds the file."""


class DamagedPageError(OSError):
    """The bytes are those of no page; the caller adds the file, and the remedy."""
