"""Untrusted text in a line for people: column names, errors, statuses, object names."""

LIMIT = 200


def printable(text: str) -> str:
    """The text with every character that moves a cursor, rings or hides written as its escape."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )


def quote(text: object, limit: int = LIMIT) -> str:
    """Strangers' words as part of a line: printable, on one line, and at most `limit` characters."""
    words = printable(" ".join(str(text)[: 4 * limit].split()))
    return words if len(words) <= limit else f"{words[: limit - 3]}..."
