"""Lines of a list."""

LONGEST_LINE = 64 << 20


def is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
