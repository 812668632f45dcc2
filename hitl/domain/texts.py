"""Texts from outside, as any database can hold them."""


def kept(text: str, limit: int) -> str:
    """The text without NUL and with every lone surrogate as a question mark, cut off at `limit` characters.

    Postgres holds neither, and a model or a platform may well write them.
    """
    return text[: 2 * limit].replace("\0", "").encode("utf-8", "replace").decode()[:limit]


def keepable(text: object) -> bool:
    """Whether this is a text that can be held as it is."""
    return isinstance(text, str) and kept(text, len(text)) == text
