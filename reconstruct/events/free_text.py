"""Identifier candidates in message text, each named by the noun to its left.

A message is cut into *tokens* (runs of characters with a digit in them, e-mail addresses, values after ``=`` and ``:``)
and the constant text between them. What the constant text left and right of a token says about it is worked out once
per distinct pair of texts: logs have hundreds of those, whatever their size. The cutting is one RE2 pass in Arrow:
linear in the text, and seven times faster than the ``re`` module on real logs.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.candidates import SECRET, UNNAMED, Found, found
from reconstruct.events.nouns import (
    NAME_CAP,
    is_secret,
    lexicon,
    may_identify,
    noun_of,
    prior_roles,
    singular,
    words_of,
)
from reconstruct.grammar.text_columns import has_char

TEXT_CAP = 16_384
"""Characters of a message searched for identifiers: a page of pretty-printed JSON. What follows is stack trace."""

CONTEXT = 96
"""Characters left of a token that can hold its noun."""

CACHED_CONTEXTS = 65_536
"""Distinct contexts remembered per process. Prose makes every context distinct; it must not fill the memory."""

_MARK = "\x00"
_TOKEN = (
    r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>\x00]*"  # address of a page: kept whole, so that its pieces are no candidates
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    r"|(?:\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}|::[0-9A-Fa-f:]+)(?:\.[0-9]+)*"  # IPv6, MAC, hh:mm:ss
    r"|\b[0-9]{1,2}:[0-9]{2}(?:[.,][0-9]+)?"
    r"|\b0,[0-9]+"  # a fraction where commas are decimal points
    r"|[\pL\pN_.%+~/-]*@[\pL\pN_.-]+"  # e-mail
    r"|[\pL\pN_.%+~/-]*[0-9][\pL\pN_.%+~/-]*"
    r"|=[\"']?[\pL_][\pL\pN_.@%+~-]*(?:[\"'\],;)}\s]|$)"  # key=word
    r"|: ?[\"']?[\pL_][\pL\pN_.@%+~-]*(?:[\"'\],;)}]|$)"  # key: word], "key":"word", key: word at the end
)

_LETTER, _LETTER_OR_DIGIT = r"\pL", r"\pL\pN"
_ASCII_TOKEN = _TOKEN.replace(_LETTER_OR_DIGIT, "A-Za-z0-9").replace(_LETTER, "A-Za-z")
"""The same on text without other characters. RE2 takes 13 ms to compile the letters and digits of the world."""

_NOTHING = ""
_SAME_AS_LEFT = "="
"""A further member of a list: the slot of the token before it."""

_OPENERS = " \t\"'`[({<#=:@→>：*|\\"
_LIST = re.compile(r"[\"'\s]*(?:,|;|\||\band\b|&)[\"'\s]*")
_NAME = re.compile(r"[^\W\d][\w$.\-]*$")
_PREVIOUS = re.compile(r"([^\W\d][\w$.\-]*) +$")
_OWNER = re.compile(r"([^\W\d][\w$]*)[\"']?\s*[:=]?\s*[({\[]\s*[\"']?$")
_LISTED = re.compile(r"([^\W\d_]+) +(?:to|for|from|into|in|on|by|with|at|via) +(?:the +)?$")
"""Before the last word of ``3 orders to ERP: 100175, 100176``: what is listed, and where it goes."""
_DONE = re.compile(r"(?:ed|ing|[ai]d[oa]s?|ée?s?)$")
_ADVERB = re.compile(r"[a-z](?:ly|mente)$")
"""In English and in the Romance languages: created, creado, creata, créée; successfully, exitosamente."""
_PARTICLES = frozenset(("in", "out", "on", "off", "up"))
"""Behind a verb, part of it: in "User logged in: 4711" the user is what has the value."""
_STEPS = 6
"""Words between a noun and its identifier in ``Payment has been verified successfully: TXN-9920``."""
_PATH = re.compile(r"(?:^|[\s\"'])/[^\s\"']*$")
_MONEY = re.compile(r"[$€£¥]\s?$")


def find_in_text(messages: pa.Array) -> Found:
    """Find the candidates of a column of messages; nulls have none."""
    if messages.null_count == len(messages):
        return found([], [], [])
    messages = pc.fill_null(messages, "")
    if pc.any(has_char(messages, _MARK)).as_py():
        messages = pc.replace_substring(messages, _MARK, " ")
    if (pc.max(pc.binary_length(messages)).as_py() or 0) > TEXT_CAP:
        messages = pc.utf8_slice_codeunits(messages, 0, TEXT_CAP)
    pattern = _ASCII_TOKEN if pc.all(pc.string_is_ascii(messages)).as_py() else _TOKEN
    marked = pc.replace_substring_regex(messages, pattern=pattern, replacement=_MARK + r"\0" + _MARK)
    lists = pc.split_pattern(marked, pattern=_MARK)
    parts = pc.list_flatten(lists)
    # parts alternate: text, token, text, ... , text; so a row has one more text than tokens
    per_row = np.diff(lists.offsets.to_numpy()) >> 1
    rows = np.repeat(np.arange(len(messages)), per_row)
    if not len(rows):
        return Found(rows, pa.array([], pa.string()).dictionary_encode(), pa.array([], pa.string()))
    place = np.arange(len(rows)) + rows  # of the text left of each token, among the texts
    token = place + np.arange(1, len(rows) + 1)
    is_text = np.ones(len(parts), np.bool_)
    is_text[token] = False
    texts = parts.filter(pa.array(is_text)).dictionary_encode()
    text_code = texts.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    left, right = text_code.take(place), text_code[1:].take(place)
    first = np.diff(rows, prepend=-1) > 0
    size = len(texts.dictionary)
    pairs = pa.array((left * size + right) * 2 + first).dictionary_encode()
    names = texts.dictionary.to_pylist()
    planned = []
    for pair in pairs.dictionary.to_pylist():
        pair, is_first = divmod(pair, 2)
        slot = name_slot(names[pair // size][-CONTEXT:], names[pair % size][:CONTEXT])
        planned.append(_NOTHING if is_first and slot == _SAME_AS_LEFT else slot)
    slots = pa.array(planned, pa.string()).dictionary_encode()
    slot_names = slots.dictionary.to_pylist()
    code = slots.indices.to_numpy(zero_copy_only=False).take(pairs.indices.to_numpy(zero_copy_only=False))
    if _SAME_AS_LEFT in slot_names:
        inherits = np.array([name == _SAME_AS_LEFT for name in slot_names]).take(code)
        code = code.take(np.maximum.accumulate(np.where(inherits, 0, np.arange(len(code)))))
    kept = np.flatnonzero(np.array([name != _NOTHING for name in slot_names]).take(code))
    return Found(
        rows[kept],
        pa.DictionaryArray.from_arrays(pa.array(code[kept], pa.int32()), pa.array(slot_names, pa.string())),
        parts.take(pa.array(token[kept])),
    )


@lru_cache(maxsize=CACHED_CONTEXTS)
def name_slot(left: str, right: str) -> str:
    """Slot of the token between two constant texts: ``key:…``, ``text:…``, `UNNAMED`; empty when it cannot identify.

    >>> name_slot("Order #", ": payment successful"), name_slot("for user_id=", ""), name_slot("added product ", "")
    ('text:order', 'key:user_id', 'text:product')
    >>> name_slot("added ", " items to the basket"), name_slot("USER ID: ", "]"), name_slot("Task shop.tasks.send[", "]")
    ('', 'key:user_id', 'text:task')
    >>> name_slot(" orders to ERP: ", ", "), name_slot("sent orders to user: ", "")
    ('text:order', 'key:user')
    >>> name_slot("User logged in: ", ""), name_slot("at pay (/app/cart.js:", ":7)")
    ('key:User', '')
    >>> name_slot("GET /api/orders ", " in") == UNNAMED  # what stands behind a path is its status, not an order
    True
    >>> name_slot("Order e-mail sent for #", ""), name_slot("sent for #", "") == UNNAMED
    ('text:order', True)
    >>> name_slot("Payment verified successfully: ", ""), name_slot("ORDER_CREATED: ", " -"), name_slot("Cart.java:", ")")
    ('text:payment', 'text:order', '')
    """
    line = left.rpartition("\n")[2].replace('"."', ".")
    if _LIST.fullmatch(line) and line.strip("\"' "):
        return _SAME_AS_LEFT
    if _MONEY.search(line):
        return _NOTHING
    text = line.rstrip(_OPENERS)
    delimiter = line[len(text) :]
    if delimiter in (":", "(") and text.rpartition(".")[2].lower() in lexicon().files:
        return _NOTHING  # "Cart.java:277", "Cart.php(31)": the line of a file
    # nothing but the closing quote of a JSON key between word and token: the token took its "=" or ":" with it
    keyed = any(sign in delimiter for sign in "=:：") or (bool(text) and delimiter in ("", '"', "'"))
    if not keyed and _is_quantity(right):
        return _NOTHING
    match = _NAME.search(text)
    if not match:
        return UNNAMED
    word = match[0].strip(".-")
    before = text[: match.start()]
    if keyed:
        listed = _LISTED.search(before) if ":" in delimiter and noun_of(f"text:{word}") not in lexicon().roles else None
        if listed and (noun := listed[1].lower()) != singular(noun) and singular(noun) in lexicon().roles:
            return f"text:{singular(noun)}"
        told = _told_slot(word, before) if "=" not in delimiter else ""
        return told or _key_slot(word, before, right if ":" in delimiter else "")
    if before.endswith("/") and _PATH.search(before):
        return UNNAMED
    if delimiter[:1] in ("[", "(") and "." in word:
        word, before = _called(word, before)
    slot = _noun_slot(word, before)
    if slot == UNNAMED and delimiter.endswith("#"):
        return _numbered_slot(text)
    if delimiter.startswith(" (") and noun_of(slot) not in lexicon().roles:
        return UNNAMED  # "insufficient funds (pay_2d66…)": an aside, unless the noun is one that has identifiers
    return slot


def _numbered_slot(text: str) -> str:
    """Slot of ``Order e-mail sent for #17``: the thing that was spoken of last."""
    words = words_of(text)[: -_STEPS - 1 : -1]
    things = (singular(word) for word in words if "object" in prior_roles(singular(word)))
    return next((f"text:{thing}" for thing in things), UNNAMED)


def _told_slot(word: str, before: str) -> str:
    """Slot of ``Order created: 17`` and ``ORDER_CREATED: 17``: what something happened to; empty where the word before the colon
    says of nothing that it happened."""
    if "_" in word:
        words = words_of(word) if word.isupper() else []
        return f"text:{singular(words[-2])}" if len(words) > 1 and _happens(words[-1]) and _is_noun(words[-2]) else ""
    if not _happens(word.lower()):
        return ""
    for _ in range(_STEPS):
        previous = _PREVIOUS.search(before)
        if previous is None:
            return ""
        noun, before = previous[1].lower().strip(".-"), before[: previous.start()]
        if not _happens(noun) and noun not in lexicon().stopwords:
            return _noun_slot(previous[1].strip(".-"), before)
    return UNNAMED


def _happens(word: str) -> bool:
    """Whether a word says that, or how, something happened: ``created``, ``successfully``."""
    lex = lexicon()
    if word in lex.roles or word in lex.canonical:
        return False
    return _DONE.search(word) is not None or _ADVERB.search(word) is not None


def _key_slot(word: str, before: str, right: str) -> str:
    """Slot of ``key=value`` and ``key: value``."""
    lex = lexicon()
    if _is_quantity(right):
        return _NOTHING
    previous = _PREVIOUS.search(before)
    if word.lower() in lex.stopwords and word.islower():
        # "Pay for: 63306003-…"
        if word in _PARTICLES and previous and _DONE.search(previous[1]):
            doer = _PREVIOUS.search(before[: previous.start()] + " ")
            return _key_slot(doer[1], before[: doer.start()], "") if doer else UNNAMED
        return _key_slot(previous[1], before[: previous.start()], "") if previous and previous[1] != word else UNNAMED
    if "." not in word and all(part in lex.qualifiers for part in words_of(word)):
        before, previous = _find_owner(before)
        owner = previous or _OWNER.search(before)
        if owner:
            word = f"{owner[1].rstrip('.-')}{'_' if previous else '.'}{word}"
            word = word.lower() if previous else word
    if is_secret(word):
        return SECRET
    if len(word) > NAME_CAP or not may_identify(word):
        return _NOTHING
    if word.lower() in lex.counted and word.lower() != singular(word.lower()):
        return _NOTHING  # "Items: 7"
    return f"key:{word}"


def _find_owner(before: str) -> tuple[str, re.Match[str] | None]:
    """The word that an identifier belongs to, over prepositions and what happened to it (``Order saved with ID``), and the text
    that ends in it."""
    previous = _PREVIOUS.search(before)
    while previous and (previous[1].lower() in lexicon().stopwords or _happens(previous[1].lower())):
        before = before[: previous.start()]
        previous = _PREVIOUS.search(before + " ")
    return before, previous


def _called(word: str, before: str) -> tuple[str, str]:
    """Noun of ``Task shop.tasks.send[…]``: the word before the dotted name, else the module the name is in."""
    previous = _PREVIOUS.search(before)
    if previous:
        return previous[1].strip(".-"), before[: previous.start()]
    return word.split(".")[-2], ""


def _noun_slot(word: str, before: str) -> str:
    """Slot of ``order 100175``, ``Order #100175``, ``order id 253``."""
    lex = lexicon()
    words = words_of(word)
    if not words:
        return UNNAMED
    noun = words[-1]
    if is_secret(word):
        return SECRET
    if noun in lex.qualifiers:
        _, previous = _find_owner(before)
        owner = words[-2] if len(words) > 1 else words_of(previous[1])[-1] if previous and words_of(previous[1]) else ""
        if not owner or not _is_noun(owner):
            return UNNAMED
        return f"text:{singular(owner)}_{noun}"
    if noun in lex.never and noun not in lex.canonical:
        return UNNAMED
    return f"text:{singular(noun)}" if _is_noun(noun) else UNNAMED


def _is_noun(word: str) -> bool:
    """Whether a word may name what follows it: longer than a letter, no preposition, no verb in -ed or -ing."""
    lex = lexicon()
    return word in lex.roles or (1 < len(word) <= NAME_CAP and word not in lex.stopwords and not _DONE.search(word))


@cache
def _quantity_pattern() -> re.Pattern[str]:
    lex = lexicon()
    units = sorted(lex.units | lex.counted | lex.currencies, key=lambda unit: (-len(unit), unit))
    return re.compile(r"\s?(?:" + "|".join(map(re.escape, units)) + r")(?![\w=:-])", re.IGNORECASE)


def _is_quantity(right: str) -> bool:
    """Whether the text after a number makes it a quantity: ``5 items``, ``12 ms``, ``1000 zł``."""
    return bool(right) and _quantity_pattern().match(right) is not None
