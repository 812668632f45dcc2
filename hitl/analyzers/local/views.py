"""Ways to read a post: as it stands, and with obfuscated spelling undone. Each knows where its characters came from."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

# Letters that look Latin and are not; only those that people use to dodge filters.
LOOKALIKES = str.maketrans(
    dict(
        zip(
            "абвгеёзикмнорстухьіјѕԁԛԝոѵαβεικνορτυχηωℓɑɡıłøđ",
            "abbreezukmhopctyxbijsdqwnvabeikvoptuxnwlagilod",
            strict=True,
        )
    )
)
LEET = str.maketrans("013457@$!|€", "oieastasile")
INVISIBLE = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u200e\u200f"
    "\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff"
)
# One sign may stand for eighteen letters; a post of such signs must not cost eighteen posts.
LONGEST_FORM = 4
# Longest first: an address is one cue, not the letters in it; long numbers differ only in length.
SHORTEN = re.compile(r"https?://\S{1,400}|www\.\S{1,400}|@\w{1,60}|\d{3,}|([^\W\d_])\1{2,}")
SPACED = re.compile(r"(?<![^\W_])[^\W_](?:([ .\-_*·•|/])[^\W_](?:\1[^\W_])+)(?![^\W_])")
LEETED = re.compile(r"[a-z0134567@$!|€]{2,60}")
ORDINAL = re.compile(r"\d+[a-z]{1,2}")
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
ASCII_LOWER = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}
HAS_DISGUISE = re.compile(r"[^\x00-\x7f]|[0-9@$|*_·]|(.)\1\1|\b\w[ .\-_*/]\w[ .\-_*/]\w\b")


@dataclass(frozen=True, slots=True)
class View:
    """A rewritten text; character i of it comes from origin[i] of the post (None: same place)."""

    text: str
    origin: list[int] | None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where text[start:end] stands in the post."""
        if self.origin is None:
            return start, end
        return self.origin[start], self.origin[end - 1] + 1


def fold(content: str) -> View:
    """Lower case, compatibility forms folded, accents and invisible characters gone."""
    if content.isascii():
        return View(content.lower(), None)
    view = _each(View(content, None), BEYOND_ASCII, lambda m: _fold_char(m.group()))
    return View(view.text.lower() if view.text.isascii() else _lower_ascii(view.text), view.origin)


def plain(folded: View) -> View:
    """The post as it stands; runs of letters cut to two."""
    return _shorten(folded, keep=2)


def unmasked(content: str, folded: View) -> View | None:
    """Look-alikes, leet and spaced letters undone; None where there is nothing to undo."""
    if not HAS_DISGUISE.search(content):
        return None
    view = _latin(folded)
    view = _each(view, SPACED, lambda m: "".join(c for c in m.group() if c.isalnum() or c in "@$!|"))
    view = _each(view, LEETED, _unleet)
    return _shorten(view, keep=1)


@lru_cache(maxsize=4096)
def _fold_char(char: str) -> str:
    if char in INVISIBLE:
        return ""
    parts = unicodedata.normalize("NFKD", char)[:LONGEST_FORM]
    return "".join(p.lower() for p in parts if not unicodedata.combining(p))


def _lower_ascii(text: str) -> str:
    return text.translate(ASCII_LOWER)


def _latin(view: View) -> View:
    text = view.text
    if text.isascii():
        return view
    # A word wholly in another script is that language; only mixed words, or posts mostly Latin, are disguises.
    letters = [c for c in text if c.isalpha()]
    if sum(c.isascii() for c in letters) * 2 < len(letters):
        return view
    return View(text.translate(LOOKALIKES), view.origin)


def _unleet(found: re.Match[str]) -> str:
    whole = found.group()
    word = whole.rstrip("!|")
    if word.isalpha() or not any(c.isalpha() for c in word) or ORDINAL.fullmatch(word):
        return whole
    return word.translate(LEET) + whole[len(word) :]


def _shorten(view: View, keep: int) -> View:
    def replace(found: re.Match[str]) -> str:
        whole = found.group()
        if found.group(1):
            return found.group(1) * keep
        if whole[0].isdigit():
            return "0" * min(len(whole), 12)
        return "xuserx" if whole[0] == "@" else "xlinkx"

    return _each(view, SHORTEN, replace)


def _each(view: View, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> View:
    text, last = view.text, 0
    pieces: list[str] = []
    origin: list[int] = []
    where = view.origin if view.origin is not None else range(len(text))
    for found in pattern.finditer(text):
        start, end = found.span()
        new = replace(found)
        pieces += [text[last:start], new]
        origin += where[last:start]
        size = end - start
        if size == 1:
            origin += [where[start]] * len(new)
        elif new:
            origin += [where[start + min(i * size // len(new), size - 1)] for i in range(len(new) - 1)]
            origin.append(where[end - 1])
        last = end
    if not pieces:
        return view
    return View("".join([*pieces, text[last:]]), [*origin, *where[last:]])
