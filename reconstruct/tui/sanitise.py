"""Every string that comes from a log passes through ``clean`` before it is drawn.

Logs are hostile input: escape sequences would drive the terminal, bidirectional overrides would reorder the line,
zero-width characters would hide text and break alignment. All of them are shown as what they are, never obeyed. Markup
in the text is never read as markup, because only plain segments are drawn.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len, chop_cells, set_cell_size

TEXT_CAP = 4_096
"""Characters of a field that are ever looked at for one line on screen; a 1 MB field must not cost 1 MB of work."""
MARKS_CAP = 2
"""Combining marks kept on one base character: real scripts need two, towers of them overwrite neighbouring lines."""

_PLAIN = re.compile(r"[ -~]*\Z")
_ZERO_WIDTH_EXTRA = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
    | set(range(0xFE00, 0xFE10))
    | {0x180B, 0x180C, 0x180D, 0x180F}
)
"""Invisible, though not in category Cf: fillers, joiners, variation selectors, the blank braille pattern."""

TYPOGRAPHY = {
    "…": "~", "⋯": ".", "×": "x", "·": "-", "→": "->", "←": "<-", "—": "-", "–": "-", "−": "-", "“": '"', "”": '"',
    "‘": "'", "’": "'", "✔": "ok", "✖": "X", "⚠": "!", "●": "o", "◆": "#", "○": "?", "▶": ">", "€": "EUR", "≥": ">=",
    "≤": "<=", "│": "|", "─": "-", "▸": ">", "▾": "v",
}  # fmt: skip
"""What the interface itself writes, for terminals without it."""


def _name(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures: one cell each, readable
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


class _Visible(dict[int, str]):
    """Translation table that decides a character once, on first sight."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if 0xD800 <= code < 0xE000:
            shown = "\N{REPLACEMENT CHARACTER}"
        elif category in ("Cc", "Cf", "Zl", "Zp") or code in _ZERO_WIDTH_EXTRA:
            shown = _name(code)
        elif category == "Zs" and code != 0x3000:
            shown = " "
        else:
            shown = character
        self[code] = shown
        return shown


_VISIBLE = _Visible()
_VISIBLE[0x09] = "  "


def clean(text: str, cap: int = TEXT_CAP) -> str:
    """One line of harmless text: what cannot be shown is spelled out, what is too long is cut with a count.

    >>> clean("\\x1b[31mred\\u202e[bold]")
    '␛[31mred<U+202E>[bold]'
    """
    if len(text) > cap:
        return f"{clean(text[:cap])}… +{len(text) - cap:,} characters"
    if _PLAIN.match(text):
        return text
    return _clean_odd(text)


@lru_cache(maxsize=4096)
def _clean_odd(text: str) -> str:
    text = text.translate(_VISIBLE)
    if text.isascii() or not any(map(unicodedata.combining, text)):
        return text
    kept: list[str] = []
    stacked = 0
    for character in text:
        stacked = stacked + 1 if unicodedata.combining(character) else 0
        if stacked <= MARKS_CAP and not (stacked and not kept):
            kept.append(character)
        elif stacked == MARKS_CAP + 1 or not kept:
            kept.append("·")
    return "".join(kept)


def to_ascii(text: str) -> str:
    """Clean text in ASCII alone: known signs by their twin, the rest spelled out.

    >>> to_ascii("card ✖ · café")
    'card X - caf\\\\xe9'
    """
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    for sign, twin in TYPOGRAPHY.items():
        text = text.replace(sign, twin)
    return text.translate(_CONTROL_TWINS).encode("ascii", "backslashreplace").decode("ascii")


_CONTROL_TWINS = {0x2400 + code: f"^{chr(code + 64)}" for code in range(32)} | {0x2421: "^?"}


def measure(text: str) -> int:
    """Cells the text takes on a terminal."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, cells: int, ellipsis: str = "…") -> str:
    """The text in at most ``cells`` cells, with an ellipsis where something is missing.

    >>> cut("abcdef", 4), cut("東京都", 4), cut("abc", 3)
    ('abc…', '東…', 'abc')
    """
    if measure(text) <= cells:
        return text
    if cells <= len(ellipsis):
        return ellipsis[: max(0, cells)]
    if text.isascii():
        return text[: cells - len(ellipsis)] + ellipsis
    return set_cell_size(text[: cells * 4], cells - len(ellipsis)).rstrip(" ") + ellipsis


def wrap(text: str, cells: int) -> list[str]:
    """Lines of at most ``cells`` cells, broken at blanks where there are any.

    >>> wrap("one two three", 7)
    ['one two', 'three']
    """
    cells = max(2, cells)
    lines: list[str] = []
    current = ""
    for word in text.split(" "):
        joined = f"{current} {word}" if current else word
        if measure(joined) <= cells:
            current = joined
            continue
        if current:
            lines.append(current)
        pieces = chop_cells(word, cells) if measure(word) > cells else [word]
        lines.extend(pieces[:-1])
        current = pieces[-1] if pieces else ""
    if current or not lines:
        lines.append(current)
    return lines
