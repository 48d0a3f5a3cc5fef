"""What a page may be found to be, before a reader unpacks it."""


class PageError(ValueError):
    """A page takes too much memory; the caller adds the file."""


class DamagedPageError(PageError):
    """The bytes are those of no page; the caller adds the file, and the remedy."""
