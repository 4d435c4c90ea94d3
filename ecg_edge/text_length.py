"""Text that fits a place."""


def shorten_left(text: str, length: int, ellipsis: str = "…") -> str:
    """Shorten a path to `length` characters by leaving out its beginning, whole folders where that keeps half of it."""
    if len(text) <= length:
        return text
    tail = text[len(text) - max(1, length - len(ellipsis)) :]
    start = tail.find("/")
    return ellipsis + (tail[start:] if 0 <= start <= len(tail) // 2 else tail)
